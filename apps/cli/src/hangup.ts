/** SIGHUP to a part that does not serve yet. It asks for a reload, and would end the process where nobody hears it. */
import { isatty } from 'node:tty';

const STDIN_FD = 0;
const STDOUT_FD = 1;
/** Those that can load their configuration again. */
const RELOADABLE = ['server', 'entry', 'client'];

let isHungUp = false;

const onHangup = (): void => {
  isHungUp = true;
};

/** Then SIGHUP says that the terminal is gone, and whoever could stop us with it. */
export function hasTerminal(): boolean {
  return isatty(STDIN_FD) || isatty(STDOUT_FD);
}

/** From now until it is taken, SIGHUP is remembered; not for other commands, nor at a terminal. */
export function holdHangup(command: string | undefined): void {
  if (RELOADABLE.includes(command ?? '') && !hasTerminal()) process.on('SIGHUP', onHangup);
}

/** Whether one came. From now on the caller hears of SIGHUP itself. */
export function takeHangup(): boolean {
  process.off('SIGHUP', onHangup);
  return isHungUp;
}
