/** The scenarios, and whose fault each is. Rates are chosen so that the fault shows within the run, and clearly. */
import type { Case } from './case.ts';

const BACKEND = { fault: 'backend' } as const;
const NONE = { fault: 'none' } as const;
const GENERATOR = { fault: 'generator' } as const;
const QUEUE = { fault: 'tunnel', hops: ['queue'] } as const;
const LINK = { fault: 'tunnel', hops: ['link'] } as const;
const UPLINK = { fault: 'tunnel', hops: ['uplink'] } as const;
/** A body's way is in no hop: hops end with the head. */
const LINK_BODY = { fault: 'tunnel', hops: ['link', null] } as const;
const UPLINK_BODY = { fault: 'tunnel', hops: ['uplink', null] } as const;
const ENTRY = { fault: 'tunnel', hops: ['entry', null] } as const;

const LOW = [10, 20, 40, 80] as const;
const MIDDLE = [25, 50, 100, 200] as const;

/** Both arms share the backend: its capacity per arm is half of workers / service time. */
const BACKENDS: readonly Case[] = [
  { name: 'backend-1-worker-10ms', backend: { serviceMs: 10, workers: 1 }, rates: LOW, expects: BACKEND },
  { name: 'backend-1-worker-25ms', backend: { serviceMs: 25, workers: 1 }, rates: [3, 6, 12, 30], expects: BACKEND },
  { name: 'backend-2-workers-20ms', backend: { serviceMs: 20, workers: 2 }, rates: LOW, expects: BACKEND },
  { name: 'backend-2-workers-8ms', backend: { serviceMs: 8, workers: 2 }, rates: MIDDLE, expects: BACKEND },
  { name: 'backend-4-workers-20ms', backend: { serviceMs: 20, workers: 4 }, rates: MIDDLE, expects: BACKEND },
  { name: 'backend-4-workers-50ms', backend: { serviceMs: 50, workers: 4 }, rates: LOW, expects: BACKEND },
  {
    name: 'backend-1-worker-few-slots',
    backend: { serviceMs: 10, workers: 1 },
    slots: 2,
    rates: LOW,
    expects: BACKEND,
  },
  {
    // Evenly spaced arrivals overlap only once they are closer than the service time: at 160 per arm, not at 80.
    name: 'backend-degrades-with-concurrency',
    backend: { serviceMs: 5, perOtherMs: 5 },
    rates: [10, 20, 40, 160],
    expects: BACKEND,
  },
  {
    name: 'backend-degrades-steeply',
    backend: { serviceMs: 20, perOtherMs: 8 },
    slots: 50,
    rates: [5, 10, 20, 60],
    expects: BACKEND,
  },
  {
    name: 'backend-stalls-once',
    backend: { serviceMs: 2, stall: { afterMs: 9000, lastsMs: 1000 } },
    rates: [25, 50, 100],
    stepS: 5,
    expects: BACKEND,
  },
  {
    name: 'backend-stalls-once-early',
    backend: { serviceMs: 2, stall: { afterMs: 5000, lastsMs: 1000 } },
    rates: [50, 50, 100],
    stepS: 5,
    expects: BACKEND,
  },
  { name: 'backend-500-for-1-percent', backend: { serviceMs: 2, failPercent: 1 }, rates: MIDDLE, expects: BACKEND },
  { name: 'backend-500-for-5-percent', backend: { serviceMs: 2, failPercent: 5 }, rates: LOW, expects: BACKEND },
  { name: 'backend-resets-2-percent', backend: { serviceMs: 2, resetPercent: 2 }, rates: MIDDLE, expects: BACKEND },
  { name: 'backend-resets-10-percent', backend: { serviceMs: 2, resetPercent: 10 }, rates: LOW, expects: BACKEND },
];

const SLOTS: readonly Case[] = [
  { name: 'slots-1', slots: 1, path: '/loadtest/delay/20', rates: LOW, expects: QUEUE },
  { name: 'slots-2', slots: 2, path: '/loadtest/delay/20', rates: [20, 40, 80, 160], expects: QUEUE },
  { name: 'slots-10', slots: 10, path: '/loadtest/delay/50', rates: [40, 80, 160, 320], expects: QUEUE },
  { name: 'slots-1-quick-backend', slots: 1, path: '/loadtest/delay/5', rates: [25, 50, 100, 300], expects: QUEUE },
  {
    name: 'slots-2-of-3-clients',
    slots: 2,
    clients: 3,
    path: '/loadtest/delay/40',
    rates: LOW.map((rate) => rate * 3),
    expects: QUEUE,
  },
];

const LINES: readonly Case[] = [
  { name: 'link-delay-25ms', line: { of: 'client', delayMs: 25 }, slots: 50, rates: LOW, expects: LINK },
  { name: 'link-delay-80ms', line: { of: 'client', delayMs: 80 }, slots: 50, rates: LOW, expects: LINK },
  { name: 'uplink-delay-25ms', line: { of: 'entry', delayMs: 25 }, rates: LOW, expects: UPLINK },
  { name: 'uplink-delay-80ms', line: { of: 'entry', delayMs: 80 }, rates: MIDDLE, expects: UPLINK },
  {
    name: 'link-1-mbit',
    line: { of: 'client', kbitPerS: 1000 },
    path: '/loadtest/bytes/4000',
    rates: [5, 10, 20, 60],
    expects: LINK_BODY,
  },
  {
    name: 'uplink-1-mbit',
    line: { of: 'entry', kbitPerS: 1000 },
    path: '/loadtest/bytes/4000',
    rates: [5, 10, 20, 60],
    expects: UPLINK_BODY,
  },
  {
    name: 'link-small-window',
    line: { of: 'client', delayMs: 20 },
    set: ['link.windowMaxBytes=16384'],
    path: '/loadtest/bytes/100000',
    slots: 50,
    rates: [5, 10, 15],
    expects: LINK_BODY,
  },
  // Slots are given out by who is free: the slow client shows only once the others are busy, and then its queue as well.
  {
    name: 'slow-client-of-three',
    clients: 3,
    slots: 1,
    path: '/loadtest/delay/20',
    line: { of: 'slow-client', delayMs: 60 },
    rates: [10, 20, 40, 140],
    expects: { fault: 'tunnel', hops: ['link', 'queue'] },
  },
  { name: 'loss-2-percent', lossPercent: 2, rates: LOW, expects: { fault: 'tunnel', hops: ['link', 'uplink', null] } },
  { name: 'loss-5-percent', lossPercent: 5, rates: LOW, expects: { fault: 'tunnel', hops: ['link', 'uplink', null] } },
];

const LIMITS: readonly Case[] = [
  {
    name: 'entry-connections-10',
    set: ['entry.connections=10'],
    slots: 100,
    path: '/loadtest/delay/100',
    rates: [20, 40, 80, 160],
    expects: ENTRY,
  },
  {
    name: 'entry-connections-30',
    set: ['entry.connections=30'],
    slots: 100,
    path: '/loadtest/delay/100',
    rates: [50, 100, 200, 400],
    expects: ENTRY,
  },
  {
    // The uplink is one of the two: of three clients one is let in, and its slots are all there are.
    name: 'server-links-2',
    set: ['server.maxLinks=2'],
    clients: 3,
    admittedClients: 1,
    slots: 4,
    path: '/loadtest/delay/20',
    rates: LOW.map((rate) => rate * 6),
    expects: QUEUE,
  },
  {
    name: 'server-queue-2',
    set: ['server.queue.limit=2'],
    slots: 2,
    path: '/loadtest/delay/20',
    rates: [20, 40, 80, 160],
    expects: QUEUE,
  },
  {
    name: 'server-queue-timeout-50ms',
    set: ['server.queue.timeoutMs=50'],
    slots: 2,
    path: '/loadtest/delay/20',
    rates: [20, 40, 80, 160],
    expects: QUEUE,
  },
  {
    name: 'entry-burner',
    burner: 'entry',
    rates: [20, 100, 400],
    expects: { fault: 'tunnel', hops: ['entry', null] },
  },
  {
    name: 'server-burner',
    burner: 'server',
    rates: [20, 100, 400],
    expects: { fault: 'tunnel', hops: ['queue', 'link', 'uplink'] },
  },
  {
    name: 'client-burner',
    burner: 'client',
    rates: [20, 100, 400],
    expects: { fault: 'tunnel', hops: ['client'] },
  },
  {
    name: 'tls-without-resumption',
    isTerminated: true,
    rates: [10, 20, 40],
    expects: { fault: 'tunnel', hops: [null, 'entry'] },
  },
];

const GENERATORS: readonly Case[] = [
  { name: 'generator-burner', burner: 'generator', rates: MIDDLE, expects: GENERATOR },
  { name: 'generator-burner-fast', burner: 'generator', rates: [50, 100, 200, 400], expects: GENERATOR },
  {
    name: 'generator-5-in-flight',
    generator: { maxInFlight: 5 },
    slots: 100,
    path: '/loadtest/delay/50',
    rates: [20, 40, 80, 200],
    expects: GENERATOR,
  },
  {
    name: 'generator-2-in-flight',
    generator: { maxInFlight: 2 },
    slots: 100,
    path: '/loadtest/delay/100',
    rates: LOW,
    expects: GENERATOR,
  },
  {
    name: 'generator-60-files',
    generator: { openFiles: 60 },
    slots: 200,
    path: '/loadtest/delay/200',
    rates: [20, 50, 100, 200],
    expects: GENERATOR,
  },
];

const HEALTHY: readonly Case[] = [
  { name: 'healthy-low', rates: [10, 20, 40], expects: NONE },
  { name: 'healthy-middle', rates: [25, 50, 100, 200], expects: NONE },
  { name: 'healthy-steps-to-500', rates: [50, 100, 200, 500], expects: NONE },
  { name: 'healthy-steps-to-800', rates: [100, 200, 400, 800], expects: NONE },
  { name: 'healthy-flat-100', rates: [100, 100, 100, 100], expects: NONE },
  { name: 'healthy-one-step', rates: [150], stepS: 12, expects: NONE },
  { name: 'healthy-3-clients', clients: 3, rates: MIDDLE, expects: NONE },
  { name: 'healthy-slow-answers', path: '/loadtest/delay/50', slots: 100, rates: MIDDLE, expects: NONE },
  { name: 'healthy-bodies', path: '/loadtest/echo', bodyBytes: 2000, rates: MIDDLE, expects: NONE },
  { name: 'healthy-larger-answers', path: '/loadtest/bytes/20000', rates: MIDDLE, expects: NONE },
];

export const CASES: readonly Case[] = [...BACKENDS, ...SLOTS, ...LINES, ...LIMITS, ...GENERATORS, ...HEALTHY];
