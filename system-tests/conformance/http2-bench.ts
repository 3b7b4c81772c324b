/** A request over HTTP/2 on its way, with both its ends in a test's hands. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { answerOn, dialHttp2 } from '../harness/h2.ts';
import type { Http2Peer } from '../harness/h2.ts';
import type { ProblemBody } from '../harness/problem.ts';
import { valuesOf } from '../harness/wire.ts';
import type { RawHead, Wire } from '../harness/wire.ts';
import { assertLogged, assertNothingForwarded, LOGGED } from './refused.ts';
import type { Refused } from './refused.ts';
import type { RowBench } from './rows.ts';

export const CLEARTEXT: readonly string[] = [...LOGGED, 'entry.http2.cleartext=true'];
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
export const POST = [':method', 'POST'];

export interface Http2Asked {
  readonly peer: Http2Peer;
  readonly id: number;
  readonly far: Wire;
  /** As the backend read it. */
  readonly head: RawHead;
}

export async function visitHttp2({ stack }: RowBench, t: TestContext, windowBytes?: number): Promise<Http2Peer> {
  const peer = await dialHttp2(stack.entry, windowBytes === undefined ? {} : { windowBytes });
  t.after(() => peer.socket.destroy());
  return peer;
}

/** A GET of `/session/demo/x` for visited.example, unless the fields say otherwise. */
export function request(peer: Http2Peer, fields: readonly string[] = [], isLast = true): number {
  const given = fields.filter((_, i) => i % 2 === 0);
  const authority = given.includes(':authority') ? [] : [':authority', 'visited.example'];
  const path = given.includes(':path') ? [] : [':path', '/session/demo/x'];
  return peer.request([...authority, ...path, ...fields], isLast);
}

/** The visitor has asked, and the backend has read the head. */
export async function askHttp2(
  bench: RowBench,
  t: TestContext,
  fields: readonly string[] = [],
  isLast = true,
): Promise<Http2Asked> {
  const peer = await visitHttp2(bench, t);
  const id = request(peer, fields, isLast);
  const far = await bench.backend.accept();
  t.after(() => far.close());
  return { peer, id, far, head: await far.readHead() };
}

/**
 * Each request, on one connection, is refused, by an answer of ours with a line in the log or (null) by a reset of its
 * stream; and the backend hears of none.
 */
export async function assertHttp2Refused(
  bench: RowBench,
  t: TestContext,
  cases: readonly (readonly [readonly string[], Refused | null])[],
): Promise<void> {
  const peer = await visitHttp2(bench, t);
  for (const [fields, expected] of cases) {
    const answer = await answerOn(peer, request(peer, fields));
    const what = JSON.stringify(fields).slice(0, 200);
    if (expected === null) {
      assert.deepEqual([answer.status, answer.resetCode === null], ['', false], what);
      continue;
    }
    assert.equal(answer.status, String(expected.status), what);
    assert.deepEqual(valuesOf(answer.fields, 'content-type'), ['application/problem+json']);
    const problem = JSON.parse(answer.body) as ProblemBody;
    assert.equal(problem.code, expected.code, what);
    await assertLogged(bench.stack, problem.requestId, expected);
  }
  await assertNothingForwarded(bench);
}
