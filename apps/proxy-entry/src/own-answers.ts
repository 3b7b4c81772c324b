/** Answers of our own, as they go to a visitor. */
import { STATUS_CODES } from 'node:http';
import type { AnsweredHere } from './admission.ts';
import type { HeadPasses } from './fields/head-passes.ts';
import { METHODS, problemContent } from './problems.ts';
import type { Problem } from './problems.ts';
import { serverTiming } from './timing.ts';
import type { OwnAnswer } from './visitor/transport.ts';

/** What an answer says of the request it is for. */
export interface Asked {
  readonly requestId: string;
  /** Where the time went so far. */
  readonly hopsUs: Float64Array;
  readonly scheme: 'http' | 'https';
}

const NO_BODY = Buffer.alloc(0);
const REDIRECT_STATUS = 308;
const OK_STATUS = 200;

export class OwnAnswers {
  readonly #passes: HeadPasses;
  readonly #saysTiming: boolean;

  constructor(passes: HeadPasses, saysTiming: boolean) {
    this.#passes = passes;
    this.#saysTiming = saysTiming;
  }

  ofProblem(problem: Problem, asked: Asked): OwnAnswer {
    const { fields, body } = problemContent(problem, asked.requestId);
    return this.#answer(problem.status, fields, body, asked);
  }

  ofAdmission(admission: AnsweredHere, asked: Asked): OwnAnswer {
    if (admission.kind === 'redirect') {
      return this.#answer(REDIRECT_STATUS, ['Location', admission.location, 'Content-Length', '0'], NO_BODY, asked);
    }
    // RFC 9110 §9.3.7: for who wants to know how far requests come, what may be asked.
    if (admission.kind === 'options') {
      return this.#answer(OK_STATUS, ['Allow', METHODS, 'Content-Length', '0'], NO_BODY, asked);
    }
    const body = Buffer.from(admission.content);
    const own = ['Content-Type', 'application/octet-stream', 'Content-Length', String(body.length)];
    return this.#answer(OK_STATUS, own, body, asked);
  }

  #answer(status: number, own: readonly string[], body: Buffer, { requestId, hopsUs, scheme }: Asked): OwnAnswer {
    const timing = this.#saysTiming ? serverTiming(hopsUs) : null;
    const fields = this.#passes.answer(own, status, requestId, timing, scheme);
    return { status, reason: STATUS_CODES[status] ?? '', fields, body };
  }
}
