import { once } from 'node:events';
import { createReadStream, rmSync, writeFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import { MAX_STEP_S } from '../profiles/profile.ts';
import { MAX_TRACE_ARRIVALS, formatArrival } from '../profiles/trace.ts';
import { parseLogLine } from './access-log.ts';
import type { LoggedRequest } from './access-log.ts';
import { LoadError } from './errors.ts';
import type { Writer } from './load-options.ts';

const DEFAULT_OUT = 'profile.yaml';
const MS_PER_S = 1000;
const S_PER_DAY = 86_400;
/** What a write that has begun ends with where the medium gives out. */
const NO_ROOM: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

export type RecordOptions = {
  /** The entry's log: JSON lines, others among them. */
  accessLog: string;
  /** Only this session's requests; otherwise all, folded into one. */
  session?: string | undefined;
  /** Where the profile goes; default `profile.yaml`. A file that is there is left alone. */
  out?: string | undefined;
  /** What could not be kept is said here. */
  stderr?: Writer | undefined;
};

export type Recorded = { file: string; requests: number; durationS: number; sessions: string[]; notes: string[] };

/**
 * Makes a profile of an entry's access log: arrival times, methods, paths and body sizes; no bodies, no fields, no
 * values of queries. `load ramp --profile FILE --speed 2` replays it.
 * @throws LoadError `SP_LOAD_RECORD` of exit code 2 when there is nothing to read, or nowhere to write; of 1 for a full disk
 */
export async function loadRecord(options: RecordOptions): Promise<Recorded> {
  const { accessLog, session, out = DEFAULT_OUT, stderr } = options;
  const tally = await readLog(accessLog, session);
  const { requests, notes } = summary(tally, session);
  const first = requests[0];
  if (first === undefined) {
    const which = session === undefined ? 'no requests' : `no requests of session ${session}`;
    throw refuse(`${accessLog} holds ${which}; give the log of an entry with log.accessLog on`);
  }
  const sessions = [...new Set(requests.map((each) => each.session))];
  const durationS = ((requests.at(-1) ?? first).arrivedMs - first.arrivedMs) / MS_PER_S;
  if (durationS > MAX_STEP_S) {
    const days = Math.round(durationS / S_PER_DAY);
    throw refuse(`${accessLog} holds ${days} days; a profile takes ${MAX_STEP_S / S_PER_DAY}: give a part of the log`);
  }
  write(out, profileText(basename(out, extname(out)), requests, sessions, durationS));
  for (const note of notes) stderr?.write(`note: ${note}\n`);
  return { file: out, requests: requests.length, durationS, sessions, notes };
}

/** @throws LoadError `SP_LOAD_RECORD`; of exit code 1 where there is no room. No part of a file is left behind */
function write(out: string, text: string): void {
  try {
    writeFileSync(out, text, { flag: 'wx' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    if (code === 'EEXIST') throw refuse(`${out} is there already; remove it or give another --out`);
    const isFull = NO_ROOM.includes(code);
    if (isFull) rmSync(out, { force: true });
    const fix = isFull ? 'make room, or give another --out' : 'correct --out';
    throw new LoadError('SP_LOAD_RECORD', `${out} cannot be written (${code}); ${fix}`, isFull ? 1 : 2);
  }
}

type Tally = { requests: LoggedRequest[]; unusable: number; isFull: boolean };

async function readLog(file: string, session: string | undefined): Promise<Tally> {
  // At most MAX_TRACE_ARRIVALS requests are held.
  const tally: Tally = { requests: [], unusable: 0, isFull: false };
  const stream = createReadStream(file);
  try {
    await once(stream, 'open');
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      const read = parseLogLine(line);
      if (read.kind === 'unusable') tally.unusable += 1;
      if (read.kind !== 'request' || (session !== undefined && read.request.session !== session)) continue;
      tally.isFull = tally.requests.length === MAX_TRACE_ARRIVALS;
      if (tally.isFull) break;
      tally.requests.push(read.request);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw refuse(`${file} cannot be read (${code}); give the entry's log with --access-log`);
  } finally {
    stream.destroy();
  }
  return tally;
}

/** In order of arrival (the log is in order of ending), and what is to be known about them. */
function summary(tally: Tally, session: string | undefined): { requests: LoggedRequest[]; notes: string[] } {
  const requests = tally.requests.toSorted((a, b) => a.arrivedMs - b.arrivedMs);
  const count = (holds: (request: LoggedRequest) => boolean): number => requests.filter(holds).length;
  const sessions = new Set(requests.map((each) => each.session)).size;
  const notes: [number, string][] = [
    [count(({ isExact }) => !isExact), 'requests have no arrival time of their own: inferred, up to 100 ms late'],
    [count(({ hasSize }) => !hasSize), 'requests have no body size: they are replayed without a body'],
    [count(({ hidden }) => hidden > 0), 'paths held what looks like a token: it is "redacted" there'],
    [tally.unusable, 'lines cannot be replayed (WebSockets, paths cut by the log) and are left out'],
    [session === undefined && sessions > 1 ? sessions : 0, 'sessions are folded into one; --session takes one alone'],
    [tally.isFull ? MAX_TRACE_ARRIVALS : 0, 'requests are as many as a profile holds; the rest of the log is left out'],
  ];
  return { requests, notes: notes.filter(([number]) => number > 0).map(([number, text]) => `${number} ${text}`) };
}

function profileText(name: string, requests: LoggedRequest[], sessions: string[], durationS: number): string {
  const startMs = requests[0]?.arrivedMs ?? 0;
  const from = new Date(startMs).toISOString();
  const description = `${requests.length} requests in ${durationS.toFixed(1)} s from ${from}, of ${sessions.length} session(s)`;
  const lines = requests.map((each) => `  ${formatArrival({ ...each, atMs: each.arrivedMs - startMs })}\n`);
  return `# Milliseconds from the first request, method, path below the session, bytes of the body.
name: ${JSON.stringify(name)}
description: ${JSON.stringify(description)}
trace: |
${lines.join('')}`;
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_RECORD', message);
}
