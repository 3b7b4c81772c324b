import type { BodyPlan } from './plan.ts';

let filler = new Uint8Array(0);

/** The bytes of a body. Bodies that are filled share one buffer. */
export function bodyBytes(body: BodyPlan | null): Uint8Array | null {
  if (body === null || body instanceof Uint8Array) return body;
  if (filler.byteLength < body.fillBytes) filler = new Uint8Array(body.fillBytes).fill(0x78);
  return filler.subarray(0, body.fillBytes);
}
