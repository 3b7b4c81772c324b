/** What a check found: one line, with how to fix it unless all is well. */

export type Status = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly status: Status;
  /** The check: `port`, `server`, `backend` … */
  readonly check: string;
  readonly message: string;
  readonly fix?: string;
}

export function ok(check: string, message: string): Finding {
  return { status: 'ok', check, message };
}

export function warn(check: string, message: string, fix: string): Finding {
  return { status: 'warn', check, message, fix };
}

export function fail(check: string, message: string, fix: string): Finding {
  return { status: 'fail', check, message, fix };
}

const STATUS_CHARS = 4;
const CHECK_CHARS = 13;

export function findingLine({ status, check, message, fix }: Finding): string {
  const line = `${status.padEnd(STATUS_CHARS)}  ${check.padEnd(CHECK_CHARS)}  ${message}`;
  return fix === undefined ? line : `${line}; ${fix}`;
}
