/**
 * What "refused" means: this status as problem+json, the connection closed where framing is in doubt, nothing forwarded,
 * one line in the access log with the cause. The stack's settings must include `LOGGED`.
 */
import assert from 'node:assert/strict';
import { eventually } from '../harness/deadline.ts';
import type { ProblemBody } from '../harness/problem.ts';
import type { Stack } from '../harness/stack.ts';
import { valuesOf } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';
import type { RowBench } from './rows.ts';

export interface Refused {
  readonly status: number;
  /** `SP_…` */
  readonly code: string;
  /** What the log line's cause begins with; the same as `detail`. */
  readonly cause?: string;
  /** The connection may be used again; else it ends behind the answer. */
  readonly keeps?: boolean;
}

/** Settings of a stack whose access log these look into. */
export const LOGGED: readonly string[] = ['log.level=info', 'log.accessLog=true'];

export const BAD_REQUEST = { status: 400, code: 'SP_BAD_REQUEST' } as const;

/** Each request, sent on a connection of its own, is refused; and the backend hears of none. */
export async function assertRefused(bench: RowBench, cases: readonly (readonly [string, Refused])[]): Promise<void> {
  const told: (readonly [ProblemBody, Refused])[] = [];
  for (const [request, expected] of cases) {
    const visitor = await bench.visit();
    visitor.send(request);
    told.push([await readRefusal(visitor, expected, JSON.stringify(request.slice(0, 200))), expected]);
  }
  await assertNothingForwarded(bench);
  for (const [{ requestId }, expected] of told) await assertLogged(bench.stack, requestId, expected);
}

/** The problem that a visitor is answered with; `what` it had sent, for messages. */
export async function readRefusal(visitor: Wire, expected: Refused, what: string): Promise<ProblemBody> {
  const { first, fields } = await visitor.readHead();
  assert.ok(first.startsWith(`HTTP/1.1 ${expected.status} `), `${first} to ${what}`);
  const [length] = valuesOf(fields, 'content-length');
  const body = JSON.parse((await visitor.read(Number(length))).toString()) as ProblemBody;
  assert.deepEqual(valuesOf(fields, 'content-type'), ['application/problem+json']);
  assert.deepEqual([body.status, body.code], [expected.status, expected.code], what);
  assert.deepEqual(valuesOf(fields, 'x-request-id'), [body.requestId]);
  if (expected.cause !== undefined) assert.ok(body.detail?.startsWith(expected.cause), `${body.detail} of ${what}`);
  if (expected.keeps === true) return body;
  assert.deepEqual(valuesOf(fields, 'connection'), ['close'], what);
  assert.equal((await visitor.readAll()).bytes.toString(), '', what);
  return body;
}

/** The next request that the backend hears of is one that is sent now. */
export async function assertNothingForwarded({ visit, backend }: RowBench): Promise<void> {
  const visitor = await visit();
  visitor.send('GET /session/demo/marker HTTP/1.1\r\nHost: visited.example\r\n\r\n');
  const far = await backend.accept();
  assert.equal((await far.readHead()).first, 'GET /marker HTTP/1.1');
  far.send('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
  far.finish();
  assert.match((await visitor.readHead()).first, /^HTTP\/1\.1 204 /);
  far.close();
}

/** There is one line of the access log for this request, with the status, the code and the cause. */
export async function assertLogged(stack: Stack, requestId: string, expected: Refused): Promise<void> {
  const find = (): Record<string, unknown>[] => {
    return stack.command.lines
      .filter((line) => line.includes(`"requestId":"${requestId}"`) && line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const found = await eventually(
    () => Promise.resolve(find().length > 0 ? find() : undefined),
    `${requestId} in the access log`,
  );
  const [line] = found;
  assert.deepEqual([found.length, line!['status'], line!['code']], [1, expected.status, expected.code]);
  assert.ok(String(line!['cause']).startsWith(expected.cause ?? ''), JSON.stringify(line));
  assert.notEqual(line!['cause'] ?? '', '');
  assert.equal(line!['remote'], '127.0.0.1');
}
