/** A process that serves until it is told to stop: the first signal drains, the second ends at once; SIGHUP reloads. */
import { Exit } from './exit.ts';
import { hasTerminal, takeHangup } from './hangup.ts';
import type { Output } from './output.ts';
import { superviseBySystemd } from './systemd.ts';
import type { Supervised } from './systemd.ts';

const NEVER = new Promise<Exit>(() => {});

export interface Service extends Supervised {
  stop(): Promise<void>;
  /** Never rejects: what comes of it is in the log. Without it SIGHUP stops. */
  reload?(): Promise<unknown>;
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
  const supervisor = superviseBySystemd(service, process.env, output.note);
  let isStopping = false;
  const onSignal = () => {
    if (isStopping) process.exit(Exit.INTERRUPTED);
    isStopping = true;
    output.note('stopping: requests that run are finished first (again to stop at once)');
    signalled.resolve(Exit.DONE);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const onHangup = () => {
    if (service.reload === undefined || hasTerminal()) onSignal();
    else if (!isStopping) {
      void supervisor?.reloading();
      // Refused or not, it serves on.
      void service.reload().then(() => (isStopping ? undefined : supervisor?.ready()));
    }
  };
  process.on('SIGHUP', onHangup);
  const wasHungUp = takeHangup();
  // The launcher is gone: nobody could signal us any more.
  process.on('disconnect', onSignal);
  try {
    announce();
    void supervisor?.ready();
    if (wasHungUp) onHangup();
    return await Promise.race([signalled.promise, failed]);
  } finally {
    await Promise.all([service.stop(), supervisor?.stopping()]);
  }
}
