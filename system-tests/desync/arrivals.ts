/** The requests of one case as the backend reads them: each must be the next of those that the visitor sent. */
import type { Answer } from './case.ts';
import type { ExpectedRequest } from './expected.ts';
import { bodyDiffers, headDiffers } from './passes.ts';
import { values } from './rfc9112.ts';
import type { Request } from './rfc9112.ts';
import { scriptOf } from './script.ts';
import type { Script } from './script.ts';

const IDEMPOTENT = /^(GET|HEAD|OPTIONS|PUT|DELETE|TRACE)$/;

interface Arrival {
  readonly place: number;
  readonly request: Request;
  /** Else it was answered by its head. */
  readonly isWhole: boolean;
  readonly script: Script;
}

export interface ArrivalOptions {
  readonly expected: readonly ExpectedRequest[];
  /** To the first request, the second …; then from the beginning again. */
  readonly answers: readonly Answer[];
  /** Of the visitor. */
  readonly address: string;
  /** They come one after the other, as on a connection of HTTP/1.1. */
  readonly isOrdered: boolean;
}

export class Arrivals {
  readonly #options: ArrivalOptions;
  readonly #all: Arrival[] = [];

  constructor(options: ArrivalOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#all.length;
  }

  /** What the backend was to say to request `place`; more than one where the entry tried again. */
  scripts(place: number): Script[] {
    return this.#all.filter((each) => each.place === place).map(({ script }) => script);
  }

  /** Whether all of request `place` had come when it was answered. */
  wasRead(place: number): boolean {
    return this.#all.some((each) => each.place === place && each.isWhole);
  }

  plan(place: number): Answer {
    const { answers } = this.#options;
    return answers[place % answers.length]!;
  }

  /** As `Run.take`. */
  take(request: Request, isWhole: boolean, serial: number): Script | string | null {
    const place = this.#placeOf(request, isWhole);
    if (typeof place === 'string') return place;
    if (!isWhole && !this.plan(place).isEarly) return null;
    const script = scriptOf(this.plan(place), serial, request.method);
    this.#all.push({ place, request, isWhole, script });
    return script;
  }

  /** Which of the requests that were sent it is; or what it is instead. */
  #placeOf(request: Request, isWhole: boolean): number | string {
    const { expected, isOrdered } = this.#options;
    const last = this.#all.at(-1);
    let difference = 'more requests than were sent';
    for (let place = isOrdered && last !== undefined ? last.place + 1 : 0; place < expected.length; place += 1) {
      const { verdict } = expected[place]!;
      if (verdict?.kind === 'refuse' || (!isOrdered && this.scripts(place).length > 0)) continue;
      const found = this.#compare(place, request, isWhole);
      if (found === null) return place;
      // Of requests in any order it tells most beside the one that it seems to be.
      if (isOrdered || !/^(method|target)/.test(found)) difference = found;
      if (isOrdered && verdict?.kind !== 'either') break;
    }
    return this.#all.find((arrival) => this.#isRetry(arrival, request))?.place ?? difference;
  }

  #compare(place: number, request: Request, isWhole: boolean): string | null {
    const { reading, verdict } = this.#options.expected[place]!;
    if (verdict === null) return `a request that is none, by ${named(reading)}`;
    const head = headDiffers(reading.message!, verdict, request, this.#options.address);
    if (head !== null || !isWhole) return head;
    if (reading.kind !== 'whole') return `a whole request, where the visitor sent ${named(reading)}`;
    return bodyDiffers(reading.message, request);
  }

  /** The entry may send what is idempotent once more. */
  #isRetry({ place, request }: Arrival, again: Request): boolean {
    if (!IDEMPOTENT.test(again.method) || this.scripts(place).length > 1) return false;
    return idOf(again) === idOf(request) && again.target === request.target;
  }
}

function idOf({ lines }: Request): string | undefined {
  return values(lines, 'x-request-id')[0];
}

function named(reading: ExpectedRequest['reading']): string {
  if (reading.kind === 'wrong') return `what breaks ${reading.rule}`;
  return reading.kind === 'part' ? 'part of a request' : 'a whole request';
}
