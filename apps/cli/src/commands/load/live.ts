/** The port at which a load test serves its own figures while it runs. */
import { LiveServer } from '@sallyport/load-tests';
import { usageError } from '../../exit.ts';

const DEFAULT_HOST = '127.0.0.1';
const MAX_PORT = 65_535;

export interface LiveFlags {
  readonly metricsPort?: string;
  readonly metricsHost?: string;
}

/** Before anything else: a port that cannot be had is to be known before the run. Null: none is asked for. */
export async function openLive({ metricsPort, metricsHost }: LiveFlags): Promise<LiveServer | null> {
  if (metricsPort === undefined) {
    if (metricsHost === undefined) return null;
    throw usageError('--metrics-host has nothing to serve', 'give --metrics-port N as well');
  }
  const port = Number(metricsPort);
  if (!/^\d{1,5}$/.test(metricsPort) || port > MAX_PORT)
    throw usageError(`--metrics-port ${metricsPort} is no port`, 'give a number up to 65535; 0 takes a free one');
  return await LiveServer.open({ host: metricsHost ?? DEFAULT_HOST, port });
}

/** The end of the run; `signal` as in `LiveServer.close`. */
export async function closeLive(live: LiveServer | null, signal: AbortSignal): Promise<void> {
  if (live === null) return;
  if (live.isAwaited && !signal.aborted) {
    process.stderr.write('waits until the last figures are fetched, 20 s at most (Ctrl-C ends it)\n');
  }
  await live.close(signal);
}
