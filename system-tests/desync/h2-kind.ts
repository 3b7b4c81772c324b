/** Cases of HTTP/2, in clear text with prior knowledge. */
import { drawH2Case } from './draw-h2.ts';
import type { H2Case } from './h2-case.ts';
import { H2Run } from './h2-run.ts';
import { shown } from './http1-kind.ts';
import type { Kind } from './run-kind.ts';

export const HTTP2: Kind<H2Case> = {
  draw: drawH2Case,
  begin: (spec, address) => new H2Run(spec, address),
  smallerThan,
  show: ({ requests, isMixed, tears, answers, tricks }) =>
    [
      `drawn with: ${tricks.join(', ') || 'nothing wrong'}`,
      `the visitor sends ${shown(requests)}${isMixed ? ' in turns' : ''}, torn at ${JSON.stringify(tears)}`,
      `the backend says ${shown(answers)}`,
    ].join('\n'),
};

function* smallerThan(spec: H2Case): Generator<H2Case> {
  const { requests, answers } = spec;
  if (spec.tears.length > 0) yield { ...spec, tears: [] };
  if (spec.isMixed) yield { ...spec, isMixed: false };
  for (const [i, answer] of answers.entries()) {
    if (answer.isEarly || answer.tears.length > 0)
      yield { ...spec, answers: answers.with(i, { ...answer, isEarly: false, tears: [] }) };
  }
  for (const [i, request] of requests.entries()) {
    if (requests.length > 1) yield { ...spec, requests: requests.toSpliced(i, 1), answers: answers.toSpliced(i, 1) };
    if (request.trailers !== null) yield { ...spec, requests: requests.with(i, { ...request, trailers: null }) };
    for (let at = 0; at < request.data.length; at += 1) {
      yield { ...spec, requests: requests.with(i, { ...request, data: request.data.toSpliced(at, 1) }) };
    }
    for (let at = 0; at < request.lines.length; at += 1) {
      yield { ...spec, requests: requests.with(i, { ...request, lines: request.lines.toSpliced(at, 1) }) };
    }
    if (request.blockBytes < 1_000) yield { ...spec, requests: requests.with(i, { ...request, blockBytes: 16_000 }) };
  }
}
