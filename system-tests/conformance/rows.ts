/**
 * The rows of what an HTTP intermediary must do (docs/conformance.md): each a test over both shapes of the stack, with
 * raw bytes on the visitor's side and a backend that says what the test scripts.
 */
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { startRawBackend } from '../harness/raw-backend.ts';
import type { RawBackend } from '../harness/raw-backend.ts';
import { SHAPES, useStack } from '../harness/stack.ts';
import type { Stack } from '../harness/stack.ts';
import { dial } from '../harness/wire.ts';
import type { Wire } from '../harness/wire.ts';

export interface RowBench {
  readonly stack: Stack;
  readonly backend: RawBackend;
  /** A visitor's connection to the entry, HTTP/1.1 in clear text. */
  readonly visit: () => Promise<Wire>;
}

type Row = (number: number, sentence: string, body: (bench: RowBench, t: TestContext) => Promise<void>) => void;

/**
 * Defines the rows of one chapter. `row(number, sentence, body)`: the sentence says what the product does, and stands in
 * docs/conformance.md as it is, so it must be a plain string. `set`: settings of the stack, `path=value` each.
 */
export function conformance(chapter: string, set: readonly string[], define: (row: Row) => void): void {
  for (const { shape, isSplit } of SHAPES) {
    void describe(`${chapter}, through ${shape}`, () => {
      let backend: RawBackend;
      before(async () => {
        backend = await startRawBackend();
      });
      after(() => backend.close());
      const used = useStack(() => ({ isSplit, backend: backend.url, set }));
      define((number, sentence, body) => {
        void it(`${number}. ${sentence}`, async (t) => {
          const { stack } = used;
          const visit = async () => {
            const wire = await dial(stack.entry);
            t.after(() => wire.close());
            return wire;
          };
          await body({ stack, backend, visit }, t);
        });
      });
    });
  }
}
