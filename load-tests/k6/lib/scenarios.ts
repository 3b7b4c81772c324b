import type { ProfileStep } from '../../profiles/profile.ts';
import { VUS_PER_IN_FLIGHT } from './plan.ts';
import type { K6Plan } from './plan.ts';

const WARM_UP_RATE = 100;
const MIN_VUS = 5;
/** Each virtual user is a JavaScript machine of some 0.5 MB. */
const MAX_PREALLOCATED_VUS = 500;
const MS_PER_S = 1000;
const US_PER_S = 1e6;
/** k6 refuses shorter ones. */
const SHORTEST_US = US_PER_S;
/** For opening a step's WebSocket connections. */
const CONNECT_S = 1;

export type Scenario = Record<string, unknown>;

/**
 * One scenario per step and arm, each holding its rate, one step after the other. (`ramping-arrival-rate` interpolates
 * and never holds one.)
 */
export function scenariosOf(plan: K6Plan): Record<string, Scenario> {
  const scenarios: Record<string, Scenario> = {};
  let startS = 0;
  if (plan.warmUpS > 0) {
    const rate = Math.min(WARM_UP_RATE, Math.max(...plan.steps.map((step) => step.rate)));
    addStep(scenarios, plan, { rate, durationS: plan.warmUpS }, 'warm_up', 0);
    startS = plan.warmUpS + plan.gapS;
  }
  for (const [index, step] of plan.steps.entries()) {
    addStep(scenarios, plan, step, `${index}`, startS);
    startS += step.durationS + plan.gapS;
  }
  return scenarios;
}

/** The arms are a part of an interval apart, so that they take turns. */
function addStep(all: Record<string, Scenario>, plan: K6Plan, step: ProfileStep, name: string, startS: number): void {
  const executor = executorOf(plan, step);
  for (const [index, arm] of plan.arms.entries()) {
    const shiftUs = Math.round((index * US_PER_S) / step.rate / plan.arms.length);
    all[`${arm.name}_${name}`] = {
      ...executor,
      startTime: `${Math.round(startS * US_PER_S) + shiftUs}us`,
      env: { ARM: `${index}`, RATE: `${step.rate}`, DURATION_MS: `${step.durationS * MS_PER_S}` },
      tags: { arm: arm.name, step: name, phase: name === 'warm_up' ? 'warm_up' : 'measure' },
    };
  }
}

function executorOf(plan: K6Plan, step: ProfileStep): Scenario {
  if (plan.protocol === 'websocket') return connectionsOf(plan, step);
  if (plan.model === 'open') return arrivalsOf(plan, step);
  const duration = `${Math.round(step.durationS * MS_PER_S)}ms`;
  return { executor: 'constant-vus', vus: plan.connections, duration, gracefulStop: `${plan.timeoutMs}ms` };
}

function arrivalsOf(plan: K6Plan, { rate, durationS }: ProfileStep): Scenario {
  const wanted = Math.ceil((VUS_PER_IN_FLIGHT * rate * plan.latencyMs) / MS_PER_S);
  const vus = Math.min(MAX_PREALLOCATED_VUS, plan.maxInFlight, Math.max(MIN_VUS, wanted));
  return {
    executor: 'constant-arrival-rate',
    // k6 takes whole numbers only: so many per ten seconds.
    rate: Math.round(rate * 10),
    timeUnit: '10s',
    // Half an interval short: an arrival at the very end would belong to the next step.
    duration: `${scheduleUs(rate, durationS)}us`,
    preAllocatedVUs: vus,
    maxVUs: Math.max(vus, Math.min(plan.maxInFlight, Math.ceil(rate))),
    gracefulStop: `${plan.timeoutMs}ms`,
  };
}

/** For how long k6 schedules arrivals in a step, microseconds. */
export function scheduleUs(rate: number, durationS: number): number {
  return Math.max(SHORTEST_US, Math.round((durationS - 0.5 / rate) * US_PER_S));
}

/** One virtual user per connection, which sends its part of the messages on timers of its own. */
function connectionsOf(plan: K6Plan, { rate, durationS }: ProfileStep): Scenario {
  return {
    executor: 'per-vu-iterations',
    vus: Math.min(plan.connections, Math.ceil(rate * durationS)),
    iterations: 1,
    maxDuration: `${Math.ceil((CONNECT_S + durationS) * MS_PER_S) + plan.timeoutMs}ms`,
    gracefulStop: '0s',
  };
}
