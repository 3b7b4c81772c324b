/** Ports that the parts would listen at: free, or served by the part already. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '@sallyport/config';
import { forEach, partsOf } from './context.ts';
import type { DoctorContext, Part } from './context.ts';
import { fail, ok } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeNobody } from './missing-part.ts';
import { ask, handshake, reach } from './reach.ts';
import type { Answer } from './reach.ts';

interface Place {
  readonly part: Part;
  /** `entry.admin`: it has a `host` and a `port`. */
  readonly setting: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Whether this is how that part answers. */
  readonly isOurs: (answer: Answer) => boolean;
  /** Visitors' TLS, where a handshake of ours would be taken: the name to ask for, if any. */
  readonly handshake?: { readonly serverName: string | undefined };
}

interface Look {
  readonly place: Place;
  readonly state: 'free' | 'served' | 'refused';
  readonly finding: Finding;
}

const LAST_PRIVILEGED_PORT = 1023;

// How each part answers.
const isHealth = ({ status, body }: Answer) => status === 200 && /"status"\s*:\s*"ok"/.test(body);
const admin = { path: '/healthz', isOurs: isHealth };
const isProblemOfOurs = ({ headers }: Answer) => String(headers['proxy-status'] ?? '').startsWith('sallyport');
const isUpgrade = ({ status }: Answer) => status === 426;
const isPing = ({ status }: Answer) => status === 200;

function placesOf({ entry, server, client, backend }: Config): Place[] {
  return [
    { part: 'entry', setting: 'entry', ...entry, path: '/', isOurs: isProblemOfOurs },
    ...(entry.tls.certificates === undefined ? [] : [tlsPlaceOf(entry)]),
    { part: 'entry', setting: 'entry.admin', ...entry.admin, ...admin },
    { part: 'server', setting: 'server', ...server, path: '/', isOurs: isUpgrade },
    { part: 'server', setting: 'server.admin', ...server.admin, ...admin },
    { part: 'client', setting: 'client.admin', ...client.admin, ...admin },
    { part: 'backend', setting: 'backend', ...backend, path: '/loadtest/ping', isOurs: isPing },
  ];
}

/** It answers in clear text that it does not speak it. */
function tlsPlaceOf({ host, tls, hosts, domain }: Config['entry']): Place {
  const serverName = Object.keys(hosts)[0] ?? (domain === undefined ? undefined : `session.${domain}`);
  const place = { host, port: tls.port, path: '/', isOurs: isProblemOfOurs };
  const tlsPlace: Place = { part: 'entry', setting: 'entry.tls', ...place };
  const isRefused = serverName === undefined && tls.defaultCertificate === undefined;
  return isRefused || tls.clientCertificates === 'required' ? tlsPlace : { ...tlsPlace, handshake: { serverName } };
}

export async function checkPorts({ settings, timeoutMs }: DoctorContext): Promise<Finding[]> {
  if (settings === null) return [];
  const parts = partsOf(settings);
  const places = placesOf(settings.config).filter(({ part }) => parts.has(part));
  const clashes = places.flatMap((place, index) => clash(place, places.slice(0, index)));
  const look = (running: ReadonlySet<Part>) => async (place: Place) => [await lookAt(place, running, timeoutMs)];
  // Whoever has its admin port has the others: these are not asked what visitors would be refused.
  const admins = await forEach(places.filter(isAdmin), look(new Set()));
  const running = new Set(admins.flatMap(({ state, place }) => (state === 'served' ? [place.part] : [])));
  const others = await forEach(
    places.filter((place) => !isAdmin(place)),
    look(running),
  );
  const looks = new Map([...admins, ...others].map((each) => [each.place, each]));
  const inOrder = places.flatMap((place) => looks.get(place) ?? []);
  const findings = inOrder.map(({ finding }) => finding);
  const isServed = inOrder.some(({ state }) => state === 'served');
  return [...clashes, ...findings, ...judgeNobody(settings, isServed)];
}

function isAdmin({ setting }: Place): boolean {
  return setting.endsWith('.admin');
}

/** Two parts of one configuration at one port: both would find it free now. */
function clash(place: Place, others: readonly Place[]): Finding[] {
  const other = others.find(({ host, port }) => port !== 0 && port === place.port && host === place.host);
  if (other === undefined) return [];
  const message = `${other.setting}.port and ${place.setting}.port are both ${place.port}`;
  return [fail('port', message, `choose another ${place.setting}.port`)];
}

/** Asked by connecting, since listening for a moment could be taken for the part by another check, or by its clients. */
async function lookAt(place: Place, running: ReadonlySet<Part>, timeoutMs: number): Promise<Look> {
  const { part, setting, host, port, path, isOurs } = place;
  const where = `${setting}.port ${host}:${port}`;
  const refusal = await bindRefusal(host, port);
  if (refusal !== null) {
    return { place, state: 'refused', finding: fail('port', `${where} ${refusal.message}`, refusal.fix(setting)) };
  }
  if (port === 0) return { place, state: 'free', finding: ok('port', `${setting}.port takes a free one`) };
  if (!(await isTaken(place, running, timeoutMs))) {
    return { place, state: 'free', finding: ok('port', `${where} is free`) };
  }
  const served: Look = { place, state: 'served', finding: ok('port', `${where} is served by Sallyport`) };
  if (running.has(part)) return served;
  const answer = await ask({ url: urlOf(host, port, path), timeoutMs });
  if (answer.ok && isOurs(answer.value)) return served;
  const fix = `end that program, or choose another ${setting}.port`;
  return { place, state: 'refused', finding: fail('port', `${where} is used by another program`, fix) };
}

/** With TLS of a part that runs by a whole handshake: one that is broken off counts as a visitor's that failed. */
async function isTaken(
  { part, host, port, handshake: question }: Place,
  running: ReadonlySet<Part>,
  timeoutMs: number,
): Promise<boolean> {
  const address = { host: connectHostOf(host), port };
  if (question === undefined || !running.has(part)) return (await reach(address, timeoutMs)).ok;
  const shaken = await handshake({ ...address, serverName: question.serverName }, timeoutMs);
  return shaken.ok || shaken.code !== 'ECONNREFUSED';
}

function urlOf(host: string, port: number, path: string): URL {
  const name = connectHostOf(host);
  return new URL(path, `http://${name.includes(':') ? `[${name}]` : name}:${port}`);
}

function connectHostOf(host: string): string {
  return WILDCARDS[host] ?? host;
}

const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

interface Refusal {
  readonly message: string;
  readonly fix: (setting: string) => string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  EACCES: { message: 'needs more rights', fix: (setting) => `choose a ${setting}.port from 1024 up` },
  EADDRNOTAVAIL: {
    message: 'is not on this machine',
    fix: (setting) => `set ${setting}.host to an address of this machine`,
  },
};

/** Whether this address may be listened at. At a privileged port itself, otherwise at a free one. */
async function bindRefusal(host: string, port: number): Promise<Refusal | null> {
  const server = createServer();
  try {
    server.listen({ host, port: port <= LAST_PRIVILEGED_PORT ? port : 0, exclusive: true });
    await once(server, 'listening');
    return null;
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') return null;
    return (
      REFUSALS[code] ?? {
        message: `cannot be listened at (${code})`,
        fix: (setting) => `set ${setting}.host to an address of this machine`,
      }
    );
  } finally {
    server.close();
  }
}
