import { FieldKind, kindOf } from '@sallyport/protocol';
import type { RequestHead } from './request-head.ts';

/**
 * HTTP/2 may send a cookie in crumbs, for the sake of compression; whoever takes them out of it puts them together
 * (RFC 9113 §8.2.3). In HTTP/1.1 several lines are as the visitor wanted them.
 */
export function joinCrumbs({ arrival, out, from }: RequestHead): void {
  if (arrival.httpVersion !== '2') return;
  let first = -1;
  let to = from;
  for (let i = from; i < out.length; i += 2) {
    const isCookie = (kindOf(out[i]!) & FieldKind.COOKIE) !== 0;
    if (isCookie && first !== -1) {
      out[first + 1] = `${out[first + 1]!}; ${out[i + 1]!}`;
      continue;
    }
    if (isCookie) first = to;
    out[to] = out[i]!;
    out[to + 1] = out[i + 1]!;
    to += 2;
  }
  out.length = to;
}
