/** One case of HTTP/1.1 under way: what was to come, what came, and whether that is what had to. */
import { Arrivals } from './arrivals.ts';
import { bytesOf, piecesOf } from './case.ts';
import type { Case } from './case.ts';
import { readStream } from './expected.ts';
import type { ExpectedRequest, ReadAnswer } from './expected.ts';
import { differsAtVisitor } from './passes.ts';
import { values } from './rfc9112.ts';
import type { Request, Response } from './rfc9112.ts';
import { saysClose } from './script.ts';
import type { Script } from './script.ts';
import type { Run } from './run-kind.ts';
import { visit } from './visitor.ts';
import type { Visited } from './visitor.ts';

/** RFC 9110 §15.6.3, §15.6.5: what a gateway says of a backend that answers wrongly, or not. */
const BAD_GATEWAY = new Set([502, 504]);

const SHOWN_BYTES = 2_000;

/** An answer of the backend's, as the visitor read it. */
interface Relayed {
  readonly interim: readonly Response[];
  readonly message: Response;
  readonly isWhole: boolean;
}

export class CaseRun implements Run {
  readonly spec: Case;
  readonly address: string;
  readonly bytes: Buffer;
  readonly expected: readonly ExpectedRequest[];
  readonly #arrivals: Arrivals;
  isOver = false;

  constructor(spec: Case, address: string) {
    this.spec = spec;
    this.address = address;
    this.bytes = bytesOf(spec);
    this.expected = readStream(this.bytes);
    this.#arrivals = new Arrivals({ expected: this.expected, answers: spec.answers, address, isOrdered: true });
  }

  /** How many of its requests the backend read. */
  get admitted(): number {
    return this.#arrivals.count;
  }

  take(request: Request, isWhole: boolean, serial: number): Script | string | null {
    return this.#arrivals.take(request, isWhole, serial);
  }

  get #isHalfClosed(): boolean {
    return this.spec.leaves === 'fin';
  }

  // ---- at the visitor

  async visit(url: URL, ceilingMs: number): Promise<string | null> {
    const { leaves, tears, piecesBeforeReset } = this.spec;
    const pieces = piecesOf(this.bytes, tears);
    const visited = await visit({
      url,
      localAddress: this.address,
      pieces: leaves === 'reset' ? pieces.slice(0, piecesBeforeReset) : pieces,
      leaves,
      ceilingMs,
      method: (place) => this.#method(place),
      hasAll: (answers) => this.#hasAll(answers),
    });
    // What a visitor does not wait for only has to be right at the backend.
    if (leaves === 'reset') return null;
    const problem = this.#finish(visited);
    return problem === null
      ? null
      : `${problem}; the visitor read ${JSON.stringify(visited.bytes.toString('latin1').slice(-SHOWN_BYTES))}`;
  }

  #method(place: number): string {
    return this.expected[place]?.reading.message?.method ?? 'GET';
  }

  #hasAll(answers: readonly ReadAnswer[]): boolean {
    const last = answers.at(-1)?.final;
    if (last?.kind === 'whole' && (saysClose(last.message) || last.message.framing === 'close')) return false;
    const due = this.expected.filter(({ reading }) => reading.kind !== 'part').length;
    // Behind what is wrong, and behind a close, the connection has to end.
    const isToEnd = this.expected.some(
      ({ reading: { kind }, verdict }) => kind === 'wrong' || (kind === 'whole' && verdict?.closes === 'yes'),
    );
    return answers.length >= due && !isToEnd;
  }

  /** What is wrong with how it went; null if nothing is. */
  #finish({ answers, how }: Visited): string | null {
    if (how === 'late') {
      return `nothing more came in time behind ${answers.length} answers; the backend read ${this.#arrivals.count} requests`;
    }
    for (const [place, answer] of answers.entries()) {
      const problem = this.#checkAnswer(place, answer, how === 'reset', place === answers.length - 1);
      if (problem !== null) return `answer ${place}: ${problem}`;
    }
    return this.#checkEnd(answers, how);
  }

  #checkAnswer(
    place: number,
    { interim, final, isMissing }: ReadAnswer,
    isReset: boolean,
    isLast: boolean,
  ): string | null {
    const expected = this.expected[place];
    if (expected === undefined) return 'there was no such request';
    if (final.kind === 'wrong') return `the entry's answer breaks ${final.rule}`;
    const { message } = final;
    const mayBeMissing = expected.reading.kind === 'part' || this.#mayFail(place) || this.#isGivenUp(expected);
    if (message === null) return isReset || (isMissing && mayBeMissing) ? null : 'a head that is not whole';
    if (message.doubts.length > 0) return `the entry's answer may be refused: ${message.doubts[0]}`;
    if (isOwn(message)) return this.#checkOwn(place, expected, message, isLast);
    const scripts = this.#arrivals.scripts(place);
    if (scripts.length === 0) return `of nobody: ${message.status} ${message.lines.join('; ')}`;
    const mayBeCut = expected.reading.kind !== 'whole' || this.#mayBeRefusedLate(place);
    const answer = { interim, message, isWhole: final.kind === 'whole' };
    const problems = scripts.map((script) => this.#checkRelayed(expected, script, answer, isReset, mayBeCut));
    return problems.includes(null) ? null : problems[0]!;
  }

  /** What may be refused is in its body, and the backend has answered the head: whichever comes first. */
  #mayBeRefusedLate(place: number): boolean {
    return this.expected[place]!.verdict?.kind === 'either' && !this.#arrivals.wasRead(place);
  }

  /** Who wants an upgrade wants to say something: where the visitor says nothing more it is cut. */
  #isGivenUp(expected: ExpectedRequest | undefined): boolean {
    return this.#isHalfClosed && expected?.verdict?.isUpgrade === true;
  }

  #mayFail(place: number): boolean {
    return this.#arrivals.scripts(place).some(mayFail);
  }

  /** An answer of the entry's own. */
  #checkOwn(place: number, { reading, verdict }: ExpectedRequest, answer: Response, isLast: boolean): string | null {
    if (saysClose(answer) && !isLast) return 'more came behind the last answer';
    if (reading.kind === 'wrong' || reading.kind === 'part') return null;
    if (this.#mayBeRefusedLate(place)) return null;
    if (this.#mayFail(place)) {
      return BAD_GATEWAY.has(answer.status) ? null : `${answer.status}, where the backend's answer was broken`;
    }
    if (this.#arrivals.scripts(place).length > 0)
      return `${answer.status}, yet the backend read the request: ${problemOf(answer)}`;
    return verdict?.kind === 'admit' ? `refused what is right with ${answer.status}: ${problemOf(answer)}` : null;
  }

  /** An answer of the backend's. */
  #checkRelayed(
    { reading }: ExpectedRequest,
    { read, end }: Script,
    { interim, message, isWhole }: Relayed,
    isReset: boolean,
    mayBeCut: boolean,
  ): string | null {
    const { minor } = reading.message!;
    const wanted = read.final.message;
    const heads = interimDiffers(read.interim, interim, minor);
    if (heads !== null) return heads;
    if (wanted === null) return `an answer where the backend gave none: ${message.status}`;
    const isWantedWhole = read.final.kind === 'whole';
    if (isWhole && !isWantedWhole) return 'a cut looks like an end';
    const isCutFine = !isWantedWhole || end === 'reset' || mayBeCut;
    if (!isWhole && !isCutFine) return 'cut, though the backend gave it whole';
    if (!isWhole && message.framing === 'close' && !isReset) return 'a cut looks like an end';
    return differsAtVisitor(wanted, message, minor, isWhole);
  }

  #checkEnd(answers: readonly ReadAnswer[], how: Visited['how']): string | null {
    if (how === 'left') return null;
    const last = answers.at(-1);
    const place = answers.length - 1;
    const due = this.expected[answers.length];
    // The backend was cut before any of its head had left.
    if (this.#mayFail(answers.length)) return null;
    if (this.#isGivenUp(due)) return null;
    if (last === undefined)
      return due === undefined || due.reading.kind === 'part' ? null : `closed (${how}) without a word`;
    const { message } = last.final;
    if (last.final.kind !== 'whole' || message === null) return null;
    if (saysClose(message)) return this.#checkClose(place, message);
    if (due === undefined && this.#isHalfClosed) return null;
    // Empty lines or an unfinished head may have followed.
    if (due === undefined ? this.expected[place]?.verdict?.closes !== 'no' : due.reading.kind !== 'whole') return null;
    return message.framing === 'close' ? null : `closed (${how}) behind an answer that says nothing of it`;
  }

  /** An answer that ends the connection needs a reason. */
  #checkClose(place: number, answer: Response): string | null {
    const { verdict, reading } = this.expected[place]!;
    if (this.#isHalfClosed || isOwn(answer) || verdict?.closes !== 'no' || reading.kind !== 'whole') return null;
    return this.#arrivals.plan(place).isEarly ? null : 'closed without a reason';
  }
}

/** What the backend did does not have to reach the visitor as an answer. */
function mayFail({ read, end }: Script): boolean {
  return (
    read.final.kind !== 'whole' ||
    end === 'reset' ||
    read.final.message.doubts.length > 0 ||
    read.final.message.status === 101
  );
}

function isOwn({ status, lines }: Response): boolean {
  const isProblem = values(lines, 'proxy-status').some((value) => value.startsWith('sallyport;'));
  // A redirect, or what OPTIONS is answered that was to come no further.
  const isAnswer = status === 308 || (status === 200 && values(lines, 'allow').length > 0);
  return isProblem || (isAnswer && values(lines, 'x-mark').length === 0);
}

function problemOf({ body }: Response): string {
  return body.toString('latin1').trim();
}

/** All in their order; to HTTP/1.0 none. */
function interimDiffers(sent: readonly Response[], seen: readonly Response[], minor: number): string | null {
  if (minor === 0) return seen.length === 0 ? null : '1xx to HTTP/1.0';
  const wanted = sent.filter(({ status }) => status !== 100);
  const found = seen.filter(({ status }) => status !== 100);
  if (wanted.length !== found.length) return `${found.length} heads of 1xx, not ${wanted.length}`;
  for (const [i, each] of wanted.entries()) {
    if (each.status !== found[i]!.status) return `a ${found[i]!.status}, not ${each.status}`;
  }
  return null;
}
