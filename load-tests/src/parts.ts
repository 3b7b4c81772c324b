/** The tunnel's parts, as their admin ports show them. */
import type { LoadOptions } from './load-options.ts';
import { MAX_TEXT_BYTES, parsePrometheusText, select, sumOf } from './prometheus-text.ts';
import type { Sample } from './prometheus-text.ts';

/** Where the parts of a stack with default settings have their admin ports: server, entry, client. */
const DEFAULT_ADMIN = ['http://127.0.0.1:12002', 'http://127.0.0.1:12003', 'http://127.0.0.1:12004'] as const;
/** A default port that has not answered by then is not there. */
const PROBE_TIMEOUT_MS = 200;
/** A part under full load may be slow to answer. */
const READ_TIMEOUT_MS = 2000;
const MAX_PARTS = 64;
const UNAUTHORIZED = 401;
/** Seconds of CPU time of a part's process, user and system. */
export const CPU_TOTAL = 'process_cpu_seconds_total';
/** Two parts that read so alike are one process: the same start, memory, and CPU time but for the time between. */
const SAME_PROCESS_CPU_S = 0.02;

/** One reading of a part's `/metrics`. `atMs` is on the clock of `performance.now()`. */
export type Reading = { atMs: number; samples: Sample[] };
/** An admin port; `authorization` is the field of that name, where it wants one. */
type AdminPort = { url: string; authorization?: string | undefined };
export type AdminPorts = Pick<LoadOptions, 'admin' | 'adminAuthorization'>;
export type Part = AdminPort & {
  /** `entry`, `server`, `client`, `client 2` … */
  name: string;
  first: Reading;
  /** The name under which its process is reported, such as `server+entry`; null where another part reports it. */
  process: string | null;
};

export type FoundParts = { parts: Part[]; areGuessed: boolean; notes: string[] };

/**
 * The parts at these admin addresses; without any, and for a target on this machine, those at the default ports that
 * answer within 200 ms. What cannot be read is a note, and never an error.
 */
export async function findParts(
  { admin, adminAuthorization: authorization }: AdminPorts,
  isLocal: boolean,
): Promise<FoundParts> {
  const areGuessed = admin === undefined || admin.length === 0;
  if (areGuessed && !isLocal) {
    return { parts: [], areGuessed, notes: ['the parts’ metrics were not read: give --admin URL for each'] };
  }
  const ports = (areGuessed ? DEFAULT_ADMIN : admin).slice(0, MAX_PARTS).map((url): AdminPort => {
    return { url: url.replace(/\/+$/, ''), ...(areGuessed ? {} : { authorization }) };
  });
  const notes: string[] = [];
  const found = await Promise.all(
    ports.map(async (port) => {
      const reading = await readPart(port, areGuessed ? PROBE_TIMEOUT_MS : READ_TIMEOUT_MS);
      if (typeof reading !== 'string') return { port, reading };
      if (!areGuessed) notes.push(`${port.url}/metrics could not be read: ${reading}`);
      return null;
    }),
  );
  const there = found.filter((each) => each !== null);
  // Once more: where the first look at a part compiles its code and grows its heap, one process may read as two.
  const again = await Promise.all(there.map(({ port }) => readPart(port)));
  const parts = named(
    there.map(({ port, reading }, index) => {
      const second = again[index];
      return { port, looks: [reading, ...(typeof second === 'object' ? [second] : [])] };
    }),
  );
  if (parts.length === 0 && areGuessed) notes.push('no part answers at the default admin ports: give --admin URL');
  return { parts, areGuessed, notes };
}

/** A reading, or in words why there is none. */
export async function readPart(
  { url, authorization }: AdminPort,
  timeoutMs = READ_TIMEOUT_MS,
): Promise<Reading | string> {
  try {
    const response = await fetch(`${url}/metrics`, {
      headers: { connection: 'close', ...(authorization === undefined ? {} : { authorization }) },
      // A credential is for this address alone.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return response.status === UNAUTHORIZED ? 'it wants --admin-credential FILE' : `it answered ${response.status}`;
    }
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.length > MAX_TEXT_BYTES) return 'its answer is too long';
    }
    const samples = parsePrometheusText(text);
    return select(samples, 'sallyport_build_info').length === 0
      ? 'it is no part of a tunnel'
      : { atMs: performance.now(), samples };
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : 'nobody answers';
  }
}

/** `looks`: the readings of a part, each taken together with those of the others. */
function named(found: { port: AdminPort; looks: [Reading, ...Reading[]] }[]): Part[] {
  const parts: Part[] = [];
  const known = new Map<Part, readonly Reading[]>();
  const counts = new Map<string, number>();
  for (const { port, looks } of found) {
    const [first] = looks;
    const role = select(first.samples, 'sallyport_build_info')[0]?.labels['part'] ?? 'part';
    const count = (counts.get(role) ?? 0) + 1;
    counts.set(role, count);
    const name = count === 1 ? role : `${role} ${count}`;
    const host = parts.find((part) => part.process !== null && looksAlike(known.get(part) ?? [], looks));
    if (host !== undefined) host.process = `${host.process}+${name}`;
    const part: Part = { ...port, name, first, process: host === undefined ? name : null };
    parts.push(part);
    known.set(part, looks);
  }
  return parts;
}

function looksAlike(a: readonly Reading[], b: readonly Reading[]): boolean {
  return a.some(({ samples }, index) => {
    const other = b[index];
    return other !== undefined && isSameProcess(samples, other.samples);
  });
}

function isSameProcess(a: readonly Sample[], b: readonly Sample[]): boolean {
  const isEqual = (name: string): boolean => sumOf(a, name) !== null && sumOf(a, name) === sumOf(b, name);
  const apartS = Math.abs((sumOf(a, CPU_TOTAL) ?? 0) - (sumOf(b, CPU_TOTAL) ?? Infinity));
  const isAlike = isEqual('process_start_time_seconds') && isEqual('process_virtual_memory_bytes');
  return isAlike && apartS < SAME_PROCESS_CPU_S;
}
