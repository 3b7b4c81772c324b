/** What has to write its last lines when the process ends. */
type ExitFlush = { flushAtExit(): void };

const open = new Set<ExitFlush>();

const onExit = (): void => {
  for (const destination of open) destination.flushAtExit();
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
