/** What `creds` says to people. */
import type { CredentialInfo, Issued, Role } from '@sallyport/credentials';

export type State = 'active' | 'replaced' | 'revoked';

/** `replaced`: good until a time that is yet to come, while a rotation overlaps. */
export function stateOf({ revokedAt }: CredentialInfo, nowMs: number): State {
  if (revokedAt === undefined) return 'active';
  return Date.parse(revokedAt) > nowMs ? 'replaced' : 'revoked';
}

/** The credential, shown this once, and how to use it. */
export function issuedText(issued: Issued): string {
  const { id, secret, principal, role } = issued;
  const file = `./${principal}.secret`;
  const isDialling = role === 'client' || role === 'entry';
  return [
    `id      ${id}`,
    `secret  ${secret}`,
    '',
    'The secret is shown this once. As a line for a credential file (chmod 600):',
    `  ${id}:${secret}`,
    isDialling ? `Then, with that line in ${file}:` : 'Then, for example:',
    `  ${EXAMPLES[role](issued, file)}`,
  ].join('\n');
}

const EXAMPLES: Readonly<Record<Role, (issued: Issued, file: string) => string>> = {
  client: ({ sessions }, file) =>
    `sallyport client http://127.0.0.1:3000 --server wss://HOST:12001 --session ${sessionLike(sessions)} --credential-file ${file}`,
  entry: (_, file) => `sallyport entry --server wss://HOST:12001 --credential-file ${file}`,
  visitor: ({ id, sessions }) =>
    `curl -H 'Authorization: Bearer ${id}.SECRET' https://HOST/session/${sessionLike(sessions)}/`,
  admin: ({ id }) => `curl -H 'Authorization: Bearer ${id}.SECRET' http://HOST:12002/metrics`,
};

/** A session that the globs allow. */
function sessionLike([glob = 'demo']: readonly string[]): string {
  return glob === '*' ? 'demo' : glob.replaceAll('*', '1');
}

/** One line a credential under a line of headings; revoked ones are marked. */
export function credentialTable(credentials: readonly CredentialInfo[], nowMs: number): string {
  const rows = credentials.map((each) => [
    each.id,
    each.principal,
    each.role,
    each.sessions.length === 0 ? '-' : each.sessions.join(','),
    shortTime(each.createdAt),
    stateText(each, nowMs),
  ]);
  return table([['ID', 'NAME', 'FOR', 'SESSIONS', 'MADE', 'STATE'], ...rows]);
}

function stateText(credential: CredentialInfo, nowMs: number): string {
  const state = stateOf(credential, nowMs);
  if (state === 'active') return state;
  return `${state === 'revoked' ? 'REVOKED' : 'until'} ${shortTime(credential.revokedAt!)}`;
}

/** `2026-01-02T03:04:05.678Z` → `2026-01-02 03:04Z` */
function shortTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}Z`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
