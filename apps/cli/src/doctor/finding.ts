/** What a check found: one line, with how to fix it unless all is well. */
import { basename, dirname } from 'node:path';

/** `info`: what was and is not now, and what comes of something else that is told. */
export type Status = 'ok' | 'info' | 'warn' | 'fail';

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
  return runbook === undefined ? {} : { page: pageOf(runbook) };
}

/** `docs/runbooks/sp-no-client.md` */
export function pageOf(runbook: string): string {
  return `docs/runbooks/${pageName(runbook)}.md`;
}

/** `sp-no-client` of a code, `sallyport-no-client` of an alert. */
export function pageName(runbook: string): string {
  if (runbook.startsWith('SP_')) return runbook.toLowerCase().replaceAll('_', '-');
  return runbook.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}

/** Findings of one kind that are told; the others are a number. */
const MAX_OF_A_KIND = 5;

/** Kinds in the order in which they first come. `where`: who has so many. */
export function shorten(where: string, findings: readonly Finding[]): Finding[] {
  const kinds = Map.groupBy(findings, ({ status, check, page }) => `${status} ${check} ${page}`);
  return [...kinds.values()].flatMap((kind) => {
    const more = kind.length - MAX_OF_A_KIND;
    const first = kind.slice(0, MAX_OF_A_KIND);
    return more > 0 ? [...first, { ...kind[0]!, message: `${where}: and ${more} more of this kind` }] : first;
  });
}

const EARLIER = 'earlier';

/** Of something wrong that was counted since the start of a part, and not in the last second. */
export function earlier(what: string): Finding {
  return { status: 'info', check: EARLIER, message: what };
}

/** All that is over as one finding behind the others; `tell` says what it is of. */
export function foldEarlier(findings: readonly Finding[], tell: (all: readonly string[]) => Finding): Finding[] {
  const isOver = ({ check }: Finding) => check === EARLIER;
  const over = findings.filter(isOver);
  if (over.length === 0) return [...findings];
  return [...findings.filter((each) => !isOver(each)), tell(over.map(({ message }) => message))];
}

/** `/etc/sallyport/tls/app.crt and app.key`: both of one folder, as pairs are. */
export function filesOf(certificateFile: string, keyFile: string): string {
  const isOneFolder = dirname(certificateFile) === dirname(keyFile);
  return `${certificateFile} and ${isOneFolder ? basename(keyFile) : keyFile}`;
}

const STATUS_CHARS = 4;
const CHECK_CHARS = 13;

/** A stranger's answer may stand in a message. */
const MAX_MESSAGE_CHARS = 1_000;
/** What a terminal takes for an order, or shows as something else: controls (C0, C1), formats, ends of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function findingLine({ status, check, message, fix, page }: Finding): string {
  const told = message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message;
  const line = `${status.padEnd(STATUS_CHARS)}  ${check.padEnd(CHECK_CHARS)}  ${told}`;
  const parts = [line, ...(fix === undefined ? [] : [fix]), ...(page === undefined ? [] : [`see ${page}`])];
  return parts.join('; ').replaceAll(UNSEEN, escaped);
}

/** `\u001b` */
function escaped(character: string): string {
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}
