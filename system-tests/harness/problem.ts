/** Answers of the tunnel's own: all of them have the same form. */
import assert from 'node:assert/strict';
import type { Answer } from './visit.ts';
import { assertTimingAddsUp } from './timing.ts';
import { valuesOf } from './wire.ts';

/** The fields of an answer of our own (RFC 9457). */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly hop: string;
  readonly requestId: string;
  readonly retryable: boolean;
  /** Which rule was broken, where it is known. */
  readonly detail?: string;
}

export interface Expected {
  readonly status: number;
  readonly code: string;
  readonly hop: string;
  /** RFC 9209 §2.3. */
  readonly error: string;
}

/** Checks code, hop, status, Proxy-Status, Retry-After, request id and form. */
export function assertProblem(answer: Answer, expected: Expected): ProblemBody {
  const text = answer.body.toString();
  const [type] = valuesOf(answer.fields, 'content-type');
  assert.equal(type, 'application/problem+json', `${answer.status} ${answer.reason}: ${text}`);
  const body = JSON.parse(text) as ProblemBody;
  const { status, code, hop } = body;
  assert.deepEqual({ status, code, hop }, { status: expected.status, code: expected.code, hop: expected.hop });
  assert.equal(answer.status, expected.status);
  const required = ['type', 'title', 'status', 'code', 'hop', 'requestId', 'retryable'];
  assert.deepEqual(Object.keys(body), body.detail === undefined ? required : [...required, 'detail']);
  assert.match(body.type, /^urn:sallyport:problem:[a-z-]+$/);
  assert.deepEqual(valuesOf(answer.fields, 'x-request-id'), [body.requestId]);
  assert.deepEqual(valuesOf(answer.fields, 'proxy-status'), [`sallyport; error=${expected.error}`]);
  assert.deepEqual(valuesOf(answer.fields, 'content-length'), [String(answer.body.length)]);
  assert.equal(valuesOf(answer.fields, 'retry-after').length, expected.status === 503 ? 1 : 0, 'Retry-After');
  assertTimingAddsUp(answer.fields);
  return body;
}
