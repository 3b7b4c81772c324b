/** What the player needs of a case, whatever version of HTTP its visitor speaks. */
import type { ExpectedRequest } from './expected.ts';
import type { Request } from './rfc9112.ts';
import type { Script } from './script.ts';

/** A case under way. */
export interface Run {
  /** Of the visitor: the backend finds it in X-Forwarded-For. */
  readonly address: string;
  readonly expected: readonly ExpectedRequest[];
  /** How many of its requests the backend read. */
  readonly admitted: number;
  /** Set by the player: nothing of it may come any more. */
  isOver: boolean;
  /**
   * What the backend says to a request of this case; a text where it is none that the visitor sent. Null: only its head
   * has come, and its answer waits for the rest.
   */
  take(request: Request, isWhole: boolean, serial: number): Script | string | null;
  /** Plays the visitor; what is wrong with how it went, or null. */
  visit(url: URL, ceilingMs: number): Promise<string | null>;
}

/** Cases of one version of HTTP. */
export interface Kind<Spec> {
  draw(seed: number): Spec;
  begin(spec: Spec, address: string): Run;
  /** Those that might fail as well, the boldest first. */
  smallerThan(spec: Spec): Iterable<Spec>;
  /** For people. */
  show(spec: Spec): string;
}
