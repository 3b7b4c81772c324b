/** The passes over heads, as this entry is set up. */
import { ANSWER_PASSES, HELD_OF_INFORMATIONAL, heldOfAnswer } from './answer-passes.ts';
import type { AnswerHead } from './answer-passes.ts';
import { trustOf } from './addresses.ts';
import { dropNominated, passOn } from './head.ts';
import type { Head } from './head.ts';
import { findOrigin } from './origin.ts';
import type { Origin } from './origin.ts';
import type { Arrival } from './request-head.ts';
import { requestHead, REQUEST_PASSES } from './request-passes.ts';
import { isLoop } from './via.ts';

export interface HeadPassesOptions {
  /** `sallyport-<deployment id>`: our name in Via. */
  readonly pseudonym: string;
  /** CIDR networks whose Forwarded and X-Forwarded-* fields are believed. */
  readonly trustedProxies: readonly string[];
  /** Of Strict-Transport-Security on answers over TLS; 0: none. */
  readonly hstsMaxAgeS?: number;
}

export class HeadPasses {
  readonly #pseudonym: string;
  readonly #isTrusted: (address: string) => boolean;
  readonly #strictTransport: string | null;

  constructor({ pseudonym, trustedProxies, hstsMaxAgeS = 0 }: HeadPassesOptions) {
    this.#pseudonym = pseudonym;
    this.#strictTransport = hstsMaxAgeS === 0 ? null : `max-age=${hstsMaxAgeS}`;
    this.#isTrusted = trustOf(trustedProxies);
  }

  /** Whether `peer` (an address) is a trusted proxy. */
  trusts(peer: string): boolean {
    return this.#isTrusted(peer);
  }

  /** Of a request from `peer` (an address) with these fields. */
  origin(peer: string, fields: readonly string[]): Origin {
    return findOrigin(peer, fields, this.#isTrusted);
  }

  /** Appends the fields for the backend to `into`; false where the request passed here before. */
  request(into: string[], sent: readonly string[], arrival: Arrival): boolean {
    const head = requestHead(into, sent, arrival, this.#pseudonym);
    for (const pass of REQUEST_PASSES) pass.apply(head);
    return !isLoop(head);
  }

  /** Fields for the visitor, of a final answer or a 101. */
  answer(
    sent: readonly string[],
    status: number,
    requestId: string,
    timing: string | null,
    scheme: 'http' | 'https' = 'http',
  ): string[] {
    const head: AnswerHead = {
      pseudonym: this.#pseudonym,
      requestId,
      isUpgrade: status === 101,
      sent,
      out: [],
      from: 0,
      held: heldOfAnswer(status),
      aside: [],
      seen: 0,
      timing,
      strictTransport: scheme === 'https' ? this.#strictTransport : null,
    };
    for (const pass of ANSWER_PASSES) pass.apply(head);
    return head.out;
  }

  /** Fields for the visitor, of a 1xx but 101: those that were not made here go on; it says nothing of ours. */
  informational(sent: readonly string[]): string[] {
    const head: Head = { sent, out: [], from: 0, held: HELD_OF_INFORMATIONAL, aside: [], seen: 0 };
    passOn(head);
    dropNominated(head);
    return head.out;
  }
}
