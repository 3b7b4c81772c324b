/** Exit codes (the same for every command) and the error that carries one. */
import { formatProblem } from '@sallyport/config';
import type { Problem } from '@sallyport/config';
import type { Command, CommanderError } from 'commander';

export const Exit = {
  DONE: 0,
  FAILED: 1,
  USAGE: 2,
  INCONCLUSIVE: 3,
  THRESHOLD: 99,
  INTERRUPTED: 130,
} as const;
export type Exit = (typeof Exit)[keyof typeof Exit];

/** Ends the command: one line that says what is wrong, and how to fix it. */
export class CommandError extends Error {
  readonly exit: Exit;
  readonly code: string;

  constructor(exit: Exit, code: string, message: string) {
    super(message);
    this.exit = exit;
    this.code = code;
  }
}

export function usageError(message: string, fix: string): CommandError {
  return new CommandError(Exit.USAGE, 'SP_USAGE', `${message}; ${fix}`);
}

export function configError(problems: readonly Problem[]): CommandError {
  return new CommandError(Exit.USAGE, 'SP_CONFIG', problems.map(formatProblem).join('\n'));
}

/** Commander's complaint in one line that ends with the help to read. */
export function commandLineError(error: CommanderError, program: Command, words: readonly string[]): CommandError {
  const what = error.message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return usageError(what, `${commandName(program, words)} --help shows how`);
}

/** `sallyport creds add`: as far as the words name commands. */
function commandName(program: Command, words: readonly string[]): string {
  let command = program;
  const names = [program.name()];
  for (const word of words) {
    const inner = command.commands.find((each) => each.name() === word);
    if (inner === undefined) break;
    names.push(word);
    command = inner;
  }
  return names.join(' ');
}

interface Fixable extends NodeJS.ErrnoException {
  readonly fix?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

const LISTEN_FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use; end the process that listens there, or choose another port (0 takes a free one)',
  EADDRNOTAVAIL: 'is not an address of this machine; choose one that is',
  EACCES: 'needs more rights; choose a port from 1024 up',
};

/** Anything thrown, as the error to end with: those of listening and of files are the user's to fix. */
export function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const { code = '', fix, message, address, port, hostname, path, syscall } = error as Fixable;
  if (fix !== undefined) return new CommandError(Exit.USAGE, code, `${message}; ${fix}`);
  if (syscall === 'listen' || syscall === 'bind') {
    const why = LISTEN_FIXES[code] ?? `cannot be had (${code})`;
    return new CommandError(Exit.USAGE, code, `${address ?? ''}:${port ?? ''} ${why}`);
  }
  if (syscall === 'getaddrinfo') {
    return new CommandError(
      Exit.USAGE,
      code,
      `${hostname ?? 'a name'} does not resolve (${code}); correct the host to listen at`,
    );
  }
  if (path !== undefined && code !== '') {
    return new CommandError(Exit.USAGE, code, `${path} cannot be used (${code}); check that it is there and readable`);
  }
  if (isBug(error))
    return new CommandError(
      Exit.FAILED,
      'SP_INTERNAL',
      `${message} (${placeOf(error)}); this is a bug of ours, please report it`,
    );
  return new CommandError(Exit.FAILED, 'SP_FAILED', message ?? String(error));
}

function isBug(error: unknown): error is Error {
  return (
    [TypeError, RangeError, ReferenceError].some((type) => error instanceof type) &&
    (error as Fixable).code === undefined
  );
}

/** The innermost frame, in place of a stack trace. */
function placeOf({ stack }: Error): string {
  return /([^/\\\s(]+:\d+):\d+\)?$/m.exec(stack ?? '')?.[1] ?? 'place unknown';
}
