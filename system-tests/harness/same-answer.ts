/** Whether an answer through the tunnel is the backend's own, but for what a proxy must change; and what that is. */
import assert from 'node:assert/strict';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { Answer } from './visit.ts';
import { valuesOf } from './wire.ts';

/** Of one connection or one message's framing (RFC 9110 §7.6.1, RFC 9112 §6.1): each hop has its own. */
const OF_THE_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);
/** Added on the way back: RFC 9110 §7.6.3, our own request id, and the hops' times. */
const ADDED_TO_ANSWER = new Set(['via', 'x-request-id', 'server-timing']);
/** Added on the way there, and so in what httpbin echoes: RFC 7239 and its forerunners. */
const ADDED_TO_REQUEST = new Set(['forwarded', 'via', 'x-request-id', 'connection']);
const ADDED_PREFIX = 'x-forwarded-';

export interface Compared {
  /** The body is httpbin's JSON with an echo of the request's fields; several lines of it from `/stream`. */
  readonly echoes: boolean;
}

export function assertSameAnswer(tunnel: Answer, direct: Answer, { echoes }: Compared): void {
  assert.equal(tunnel.status, direct.status, 'status');
  assert.equal(tunnel.reason, direct.reason, 'reason');
  assert.equal(tunnel.isWhole, direct.isWhole, 'wholeness');
  assert.deepEqual(kept(tunnel.fields, echoes, true), kept(direct.fields, echoes, false), 'fields');
  assertDate(tunnel);
  for (const name of ADDED_TO_ANSWER) assert.equal(valuesOf(tunnel.fields, name).length, 1, name);
  if (echoes && direct.body.length > 0) assert.deepEqual(echoOf(tunnel), echoOf(direct), 'JSON');
  else assert(tunnel.body.equals(direct.body), `body of ${tunnel.body.length} and ${direct.body.length} bytes`);
}

/** The fields that must be equal, in order. Of `Date` only that it is there: it is another second's. */
function kept(fields: readonly string[], echoes: boolean, isTunnel: boolean): string[] {
  const result: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const lower = fields[i]!.toLowerCase();
    if (OF_THE_HOP.has(lower) || (isTunnel && ADDED_TO_ANSWER.has(lower))) continue;
    // A longer echo is a longer body; that it is whole was checked.
    const isFree = lower === 'date' || (echoes && lower === 'content-length');
    result.push(fields[i]!, isFree ? '(any)' : fields[i + 1]!);
  }
  return result;
}

function assertDate({ fields }: Answer): void {
  const dates = valuesOf(fields, 'date');
  assert.equal(dates.length, 1, 'one Date');
  assert.equal(new Date(dates[0]!).toUTCString(), dates[0], 'an IMF-fixdate');
}

/** httpbin's JSON without what the tunnel added to the request. */
function echoOf(answer: Answer): unknown[] {
  const lines = decoded(answer).toString('utf8').split('\n');
  const texts = valuesOf(answer.fields, 'transfer-encoding').length > 0 ? lines.filter(Boolean) : [lines.join('\n')];
  return texts.map((text) => {
    const echo = JSON.parse(text) as { headers?: Record<string, string> };
    if (echo.headers === undefined) return echo;
    const ours = Object.entries(echo.headers).filter(([name]) => !isAdded(name.toLowerCase()));
    return { ...echo, headers: Object.fromEntries(ours) };
  });
}

function isAdded(lower: string): boolean {
  return ADDED_TO_REQUEST.has(lower) || lower.startsWith(ADDED_PREFIX);
}

function decoded({ fields, body }: Answer): Buffer {
  const coding = valuesOf(fields, 'content-encoding')[0];
  if (coding === 'gzip') return gunzipSync(body);
  return coding === 'deflate' ? inflateSync(body) : body;
}
