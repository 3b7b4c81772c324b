/** A process that serves until it is told to stop: the first signal drains, the second ends at once. */
import { Exit } from './exit.ts';
import type { Output } from './output.ts';

const NEVER = new Promise<Exit>(() => {});

export interface Service {
  stop(): Promise<void>;
}

/**
 * Resolves with the exit code once `service` has stopped by a signal. `announce` says that it serves, and is called when
 * signals are already heard: whoever reads it may send one at once. `failed`: ends it with that code, or by rejecting
 * with that error, instead.
 */
export async function serve(
  service: Service,
  output: Output,
  announce: () => void,
  failed: Promise<Exit> = NEVER,
): Promise<Exit> {
  const signalled = Promise.withResolvers<Exit>();
  let isStopping = false;
  const onSignal = () => {
    if (isStopping) process.exit(Exit.INTERRUPTED);
    isStopping = true;
    output.note('stopping: requests that run are finished first (again to stop at once)');
    signalled.resolve(Exit.DONE);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // The launcher is gone: nobody could signal us any more.
  process.on('disconnect', onSignal);
  try {
    announce();
    return await Promise.race([signalled.promise, failed]);
  } finally {
    await service.stop();
  }
}
