/** One exchange of the chapter on fields: what the other side saw of either head. */
import { eventually } from '../harness/deadline.ts';
import type { Stack } from '../harness/stack.ts';
import type { RawHead } from '../harness/wire.ts';
import { ask } from './far-end.ts';
import type { RowBench } from './rows.ts';

export interface Told {
  /** `GET`, without a body. */
  readonly request?: readonly string[];
  readonly answer?: readonly string[];
  /** `HTTP/1.1 200 OK`; behind it `Content-Length: 0` is added. */
  readonly status?: string;
  readonly version?: '1.0' | '1.1';
  readonly target?: string;
}

export interface Seen {
  /** At the backend. */
  readonly request: RawHead;
  /** At the visitor. */
  readonly answer: RawHead;
}

export const HOST = 'visited.example:8080';

export async function exchange(bench: RowBench, told: Told): Promise<Seen> {
  const { request = [], answer = [], status = 'HTTP/1.1 200 OK', version = '1.1', target = '/x' } = told;
  const head = [`GET /session/demo${target} HTTP/${version}`, `Host: ${HOST}`, ...request, '', ''];
  const { visitor, far, head: seen } = await ask(bench, head.join('\r\n'));
  far.send([status, ...answer, 'Content-Length: 0', 'Connection: close', '', ''].join('\r\n'));
  far.finish();
  const seenAnswer = await visitor.readHead();
  visitor.close();
  far.close();
  return { request: seen, answer: seenAnswer };
}

/** Lines of a field as they stand in the head, in any spelling of its name. */
export function linesOf({ fields }: RawHead, name: string): string[] {
  return fields.flatMap((value, i) => {
    const isWanted = i % 2 === 1 && fields[i - 1]!.toLowerCase() === name.toLowerCase();
    return isWanted ? [`${fields[i - 1]!}: ${value}`] : [];
  });
}

/** The line of the access log of the request with this id. */
export async function loggedLine(stack: Stack, requestId: string): Promise<Record<string, unknown>> {
  const find = () => stack.command.lines.find((line) => line.includes(`"requestId":"${requestId}"`));
  const line = await eventually(() => Promise.resolve(find()), `${requestId} in the access log`);
  return JSON.parse(line) as Record<string, unknown>;
}
