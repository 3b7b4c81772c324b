/** What has to write its last lines when the process ends. */
type ExitFlush = { flushAtExit(): void };

const open = new Set<ExitFlush>();

/** Newest first: an access log hands its lines to the destination that was there before it. */
const onExit = (): void => {
  for (const destination of [...open].toReversed()) destination.flushAtExit();
};

/** One 'exit' listener for all, there while anything is open. */
export function flushAtExit(destination: ExitFlush): void {
  if (open.size === 0) process.on('exit', onExit);
  open.add(destination);
}

export function forgetAtExit(destination: ExitFlush): void {
  open.delete(destination);
  if (open.size === 0) process.off('exit', onExit);
}
