import { createHash } from 'node:crypto';
import type { ArmPlan, BodyPlan } from '../engine/plan.ts';
import { SECRET_FIELDS } from './secrets.ts';

/** 64 bits: enough to tell what two runs sent apart, short enough for a line. */
const SHOWN_DIGITS = 16;

/**
 * What a run sends, as a hash: method, path, fields and body of each request of each arm, in turn. Left out are where the
 * arms are, and the fields that carry credentials. What else is secret has more bits than the hash.
 */
export function contentHash(arms: readonly ArmPlan[]): string {
  const hash = createHash('sha256');
  const known = new Map<BodyPlan, string>();
  for (const { name, protocol, requests } of arms) {
    hash.update(`${name} ${protocol}\n`);
    for (const { method, path, headers, body } of requests) {
      hash.update(`${JSON.stringify([method, path, publicFields(headers)])} ${bodyOf(body, known)}\n`);
    }
  }
  return hash.digest('hex').slice(0, SHOWN_DIGITS);
}

function publicFields(headers: readonly string[]): string[] {
  return headers.filter((_, at) => !SECRET_FIELDS.includes(headers[at - (at % 2)] ?? ''));
}

/** Thousands of requests may share one body of a megabyte. */
function bodyOf(body: BodyPlan | null, known: Map<BodyPlan, string>): string {
  if (body === null) return 'none';
  if (!(body instanceof Uint8Array)) return `filled ${body.fillBytes}`;
  const text = known.get(body) ?? createHash('sha256').update(body).digest('hex');
  known.set(body, text);
  return text;
}
