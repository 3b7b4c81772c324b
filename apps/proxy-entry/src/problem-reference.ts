/** The reference of our own answers, from the table that they are made from. */
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';

/** Markdown. */
export function problemReference(): string {
  const rows = Object.values<Problem>(Problems)
    .toSorted((a, b) => a.status - b.status || a.code.localeCompare(b.code))
    .map(row);
  return [
    '# Answers of our own',
    '',
    'Where the tunnel answers in the place of the backend, it does so with `application/problem+json` (RFC 9457): `type`,',
    '`title`, `status`, `code`, `hop`, `requestId`, `retryable`, and `detail` where a rule of HTTP was broken. `Proxy-Status`',
    '(RFC 9209) carries the error type; every 503 has `Retry-After`. Where "closes" is said the connection ends with the',
    'answer, because what follows on it cannot be told apart or is not wanted.',
    '',
    '| Status | `code` | Means | `hop` at fault | `Proxy-Status` error | Asking again may help | Connection |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function row({ status, code, title, hop, proxyError, retryable, closes }: Problem): string {
  const cells = [status, `\`${code}\``, title, hop, `\`${proxyError}\``, retryable ? 'yes' : 'no'];
  return `| ${cells.join(' | ')} | ${closes === true ? 'closes' : ''} |`;
}
