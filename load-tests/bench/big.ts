/**
 * `npm run bench:big`: 2 GB down and 2 GB up through `up --split`. Is every byte right, and is memory flat?
 *
 *   node load-tests/bench/big.ts [--mib 2048] [--warm-up-mib 128]
 *
 * Prints the rates and each process's resident memory; exits with 1 when a hash differs or a process grew by more than
 * 64 MB over what it held at most while the first 128 MiB passed each way.
 */
import { Processes } from './arms.ts';
import { growthBytes, growthRow, MemoryWatch } from './big-memory.ts';
import { download, upload } from './big-transfer.ts';
import type { Transfer } from './big-transfer.ts';
import { interruptible, readFlags, runMain, sayOnStderr, wholeNumber } from './script.ts';

const MIB = 1024 * 1024;
/** The test backend sends 2 GiB at most. */
const MOST_MIB = 2_048;
const GROWTH_LIMIT_BYTES = 64_000_000;
const FLAGS = {
  mib: { type: 'string', default: String(MOST_MIB) },
  'warm-up-mib': { type: 'string', default: '128' },
} as const;

async function main(signal: AbortSignal): Promise<number> {
  const flags = readFlags(FLAGS);
  const bytes = wholeNumber('mib', flags.mib, MOST_MIB) * MIB;
  const warmUpBytes = wholeNumber('warm-up-mib', flags['warm-up-mib'], MOST_MIB) * MIB;
  const processes = new Processes();
  try {
    const backend = await processes.startBackend();
    const { url, pids } = await processes.startSallyport(backend.url);
    const memory = new MemoryWatch({ ...pids, backend: backend.pid }, sayOnStderr);
    await download(`${url}/loadtest/bytes/${warmUpBytes}`, signal);
    await upload(`${url}/loadtest/echo`, warmUpBytes, signal);
    memory.warm();
    const isRight = [await bringDown(url, backend.url, bytes, signal), await sendUp(url, bytes, signal)];
    const growths = memory.stop();
    for (const growth of growths) say(growthRow(growth));
    const isFlat = growths.every((growth) => growthBytes(growth) <= GROWTH_LIMIT_BYTES);
    say(`memory   ${isFlat ? 'flat' : 'NOT flat'}: the limit is ${GROWTH_LIMIT_BYTES / 1e6} MB`);
    return isFlat && !isRight.includes(false) ? 0 : 1;
  } finally {
    await processes.stop();
  }
}

async function bringDown(tunnel: string, direct: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  const path = `/loadtest/bytes/${bytes}`;
  sayOnStderr(`down: ${bytes} bytes directly, then through the tunnel`);
  const [expected] = await timed('directly', async () => [await download(direct + path, signal)]);
  const [received] = await timed('down', async () => [await download(tunnel + path, signal)]);
  return compare('down', expected!, received!);
}

async function sendUp(tunnel: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  sayOnStderr(`up: ${bytes} bytes to the backend, which sends them back`);
  const [sent, received] = await timed('up and back', () => upload(`${tunnel}/loadtest/echo`, bytes, signal));
  return compare('up', sent!, received!);
}

function compare(way: string, expected: Transfer, received: Transfer): boolean {
  const isEqual = expected.sha256 === received.sha256 && expected.bytes === received.bytes;
  say(`${way.padEnd(8)} sha256 ${received.sha256}, ${isEqual ? 'equal on both sides' : `NOT ${expected.sha256}`}`);
  return isEqual;
}

async function timed(what: string, transfer: () => Promise<Transfer[]>): Promise<Transfer[]> {
  const startedMs = performance.now();
  const transfers = await transfer();
  const seconds = (performance.now() - startedMs) / 1_000;
  say(`${what.padEnd(12)} ${(transfers[0]!.bytes / 1e6 / seconds).toFixed(0)} MB/s (${seconds.toFixed(1)} s)`);
  return transfers;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runMain(interruptible(main));
