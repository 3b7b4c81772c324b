/** What a check found: one line, with how to fix it unless all is well. */

export type Status = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly status: Status;
  /** The check: `port`, `server`, `backend` … */
  readonly check: string;
  readonly message: string;
  readonly fix?: string;
  /** The runbook that it belongs to: `docs/runbooks/sp-queue-full.md`. */
  readonly page?: string;
}

export function ok(check: string, message: string): Finding {
  return { status: 'ok', check, message };
}

/** `runbook`: an alert (`SallyportNoClient`) or a code (`SP_NO_CLIENT`). */
export function warn(check: string, message: string, fix: string, runbook?: string): Finding {
  return { status: 'warn', check, message, fix, ...pageField(runbook) };
}

export function fail(check: string, message: string, fix: string, runbook?: string): Finding {
  return { status: 'fail', check, message, fix, ...pageField(runbook) };
}

function pageField(runbook: string | undefined): { page?: string } {
  return runbook === undefined ? {} : { page: `docs/runbooks/${pageName(runbook)}.md` };
}

/** `sp-no-client` of a code, `sallyport-no-client` of an alert. */
export function pageName(runbook: string): string {
  if (runbook.startsWith('SP_')) return runbook.toLowerCase().replaceAll('_', '-');
  return runbook.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}

const STATUS_CHARS = 4;
const CHECK_CHARS = 13;

export function findingLine({ status, check, message, fix, page }: Finding): string {
  const line = `${status.padEnd(STATUS_CHARS)}  ${check.padEnd(CHECK_CHARS)}  ${message}`;
  return [line, ...(fix === undefined ? [] : [fix]), ...(page === undefined ? [] : [`see ${page}`])].join('; ');
}
