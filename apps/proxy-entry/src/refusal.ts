/** What the visitor's transport refused, as an answer of ours. Pure. */
import { Problems } from './problems.ts';
import type { Problem } from './problems.ts';
import type { Refusal } from './visitor/transport.ts';

const BY_STATUS: Readonly<Record<Refusal['status'], Problem>> = {
  400: Problems.badRequest,
  408: Problems.headTimeout,
  414: Problems.targetTooLong,
  417: Problems.expectation,
  431: Problems.headTooLarge,
  501: Problems.notImplemented,
  505: Problems.version,
};

/** The rule that was broken stands in `detail`, and so in the access log. */
export function problemOfRefusal(refusal: Refusal): Problem {
  const { code, rule, text, status } = refusal;
  const problem = code === 'body-too-slow' ? Problems.bodyTimeout : BY_STATUS[status];
  return { ...problem, detail: `${code}: ${text} (${rule})` };
}
