/** A request on its way, with both its ends in a test's hands; and how its answer came out. */
import { assertProblem } from '../harness/problem.ts';
import type { Expected } from '../harness/problem.ts';
import type { RawHead, Wire } from '../harness/wire.ts';
import { valuesOf } from '../harness/wire.ts';
import type { RowBench } from './rows.ts';

export const GET = 'GET /session/demo/x HTTP/1.1\r\nHost: visited.example\r\n\r\n';
export const GET_1_0 = 'GET /session/demo/x HTTP/1.0\r\nHost: visited.example\r\n\r\n';
export const HEAD = GET.replace('GET', 'HEAD');
/** Fields and body are the test's. */
export const POST = 'POST /session/demo/x HTTP/1.1\r\nHost: visited.example\r\n';

export const BAD_HEAD = { status: 502, code: 'SP_BAD_HEAD', hop: 'backend', error: 'http_protocol_error' };

export interface Asked {
  readonly visitor: Wire;
  readonly far: Wire;
  /** As the backend read it. */
  readonly head: RawHead;
}

/** The visitor has sent this much of a request, and the backend has read its head. */
export async function ask(bench: RowBench, request: string): Promise<Asked> {
  const visitor = await bench.visit();
  visitor.send(request);
  const far = await bench.backend.accept();
  return { visitor, far, head: await far.readHead() };
}

/** The visitor's answer is this problem, whole. */
export async function readProblem(visitor: Wire, expected: Expected): Promise<void> {
  const { first, fields } = await visitor.readHead();
  const status = Number(first.split(' ')[1]);
  const body = await visitor.read(Number(valuesOf(fields, 'content-length')[0] ?? 0));
  assertProblem({ status, reason: '', fields, body, isWhole: true }, expected);
}
