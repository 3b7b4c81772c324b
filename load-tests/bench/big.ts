/**
 * `npm run bench:big`: 2 GB down and 2 GB up through `up --split`. Is every byte right, and is memory flat?
 *
 *   node load-tests/bench/big.ts [--mib 2048]
 *
 * Prints the rates and each process's resident memory; exits with 1 when a hash differs or a process grew by more than
 * 64 MB over what it held after a first small request.
 */
import { Processes } from './arms.ts';
import { growthRow, grown, MemoryWatch } from './big-memory.ts';
import { download, upload } from './big-transfer.ts';
import type { Transfer } from './big-transfer.ts';
import { readFlags, runMain, sayOnStderr, wholeNumber } from './options.ts';

const MIB = 1024 * 1024;
/** The test backend sends 2 GiB at most. */
const MOST_MIB = 2_048;
const WARM_UP_BYTES = MIB;
const GROWTH_LIMIT_BYTES = 64_000_000;
const FLAGS = { mib: { type: 'string', default: String(MOST_MIB) } } as const;

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(process.argv.slice(2), FLAGS);
  const bytes = wholeNumber('mib', flags.mib, MOST_MIB) * MIB;
  const processes = new Processes();
  try {
    const backend = await processes.startBackend();
    const { url, pids } = await processes.startSallyport(backend.url);
    await download(`${url}/loadtest/bytes/${WARM_UP_BYTES}`, signal);
    await upload(`${url}/loadtest/echo`, WARM_UP_BYTES, signal);
    const memory = new MemoryWatch({ ...pids, backend: backend.pid });
    const isDownRight = await bringDown(url, backend.url, bytes, signal);
    const isUpRight = await sendUp(url, bytes, signal);
    const growths = memory.stop();
    for (const growth of growths) say(growthRow(growth));
    const tooMuch = grown(growths, GROWTH_LIMIT_BYTES);
    for (const { name } of tooMuch) say(`${name} grew by more than ${GROWTH_LIMIT_BYTES / 1e6} MB`);
    return isDownRight && isUpRight && tooMuch.length === 0 ? 0 : 1;
  } finally {
    await processes.stop();
  }
}

async function bringDown(tunnel: string, direct: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  const path = `/loadtest/bytes/${bytes}`;
  sayOnStderr(`down: ${bytes} bytes directly, then through the tunnel`);
  const expected = await timed('directly', () => download(direct + path, signal));
  const received = await timed('down', () => download(tunnel + path, signal));
  return compare('down', expected, received);
}

async function sendUp(tunnel: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  sayOnStderr(`up: ${bytes} bytes to the backend, which sends them back`);
  const [sent, received] = await timed('up, and back', () => upload(`${tunnel}/loadtest/echo`, bytes, signal));
  return compare('up', sent, received);
}

function compare(way: string, expected: Transfer, received: Transfer): boolean {
  const isEqual = expected.sha256 === received.sha256 && expected.bytes === received.bytes;
  say(`${way.padEnd(8)} sha256 ${received.sha256}, ${isEqual ? 'equal on both sides' : `NOT ${expected.sha256}`}`);
  return isEqual;
}

async function timed<Result extends Transfer | readonly Transfer[]>(
  what: string,
  transfer: () => Promise<Result>,
): Promise<Result> {
  const startedMs = performance.now();
  const result = await transfer();
  const bytes = (Array.isArray(result) ? (result as Transfer[]) : [result as Transfer])[0]!.bytes;
  const seconds = (performance.now() - startedMs) / 1_000;
  say(`${what.padEnd(12)} ${(bytes / 1e6 / seconds).toFixed(0)} MB/s (${seconds.toFixed(1)} s)`);
  return result;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runMain(main);
