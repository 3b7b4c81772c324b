/** What `client` and `entry` say of their links: an event when one comes or goes, an error where dialling on is pointless. */
import type { DialEvent } from '@sallyport/protocol';
import { pageOf } from '../doctor/finding.ts';
import { CommandError, Exit } from '../exit.ts';
import type { Output } from '../output.ts';

type FatalDial = Extract<DialEvent, { kind: 'fatal' }>;

const USES = { client: '--for client --sessions SESSION', entry: '--for entry' } as const;

type Dialling = keyof typeof USES;

const FIXES: Readonly<Record<FatalDial['code'], (part: Dialling) => string>> = {
  SP_CREDENTIAL_REFUSED: (part) =>
    `check the credential file, or make a new one with "sallyport creds add NAME ${USES[part]}"`,
  SP_SESSION_REFUSED: () => 'use a session that the credential names, or one that nobody else holds',
  SP_VERSION: () => 'bring client, entry and server to versions next to each other',
};

/** `link-up` and `link-lost` (with its reason and the wait before the next dialling); `about`: server, and session if any. */
export function sayDial(output: Output, about: Readonly<Record<string, string>>, event: DialEvent): void {
  if (event.kind === 'up') output.event({ event: 'link-up', ...about, isFirst: event.isFirst });
  if (event.kind === 'lost') {
    const retryInMs = Math.round(event.retryInMs);
    output.event({ event: 'link-lost', ...about, reason: event.reason, retryInMs });
  }
}

/** Never resolves; rejects with the error to end with, which names its page. */
export async function endOfDialling(fatal: Promise<FatalDial>, part: Dialling): Promise<never> {
  const { code, reason } = await fatal;
  const page = `${code}, see ${pageOf(code)}`;
  throw new CommandError(Exit.USAGE, code, `${reason}; ${FIXES[code](part)}; ${page}`);
}
