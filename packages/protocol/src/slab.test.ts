import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { newBench, openHead, Recorder } from './testing/bench.ts';
import { check } from './testing/check.ts';
import { rawFrame, rawHello, u32 } from './testing/frames.ts';
import { Tape } from './testing/tape.ts';
import { Kind, Role } from './wire.ts';

/** Holds what it was given until `confirm`, sees whether it was changed meanwhile, and spoils it then. */
class SuspiciousTape extends Tape {
  readonly isDoneWhenSent: boolean;
  #held: { original: Buffer; copy: Buffer }[] = [];

  constructor(isDoneWhenSent: boolean) {
    super();
    this.isDoneWhenSent = isDoneWhenSent;
  }

  override send(messages: Buffer[], bytes: number): void {
    const held = messages.map((original) => ({ original, copy: Buffer.from(original) }));
    this.#held.push(...held);
    super.send(
      held.map(({ copy }) => copy),
      bytes,
    );
  }

  override confirm(): void {
    for (const { original, copy } of this.#held) {
      assert.ok(original.equals(copy), 'written again while the transport held it');
      if (this.isDoneWhenSent) original.fill(0xdb);
    }
    if (this.isDoneWhenSent) this.#held = [];
    super.confirm();
  }
}

describe('what a transport was given', () => {
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 5_000 }), settles: fc.boolean(), confirms: fc.boolean() });

  for (const isDoneWhenSent of [true, false]) {
    const until = isDoneWhenSent ? 'until it says that it has sent it' : 'for ever, where it does not say so';
    it(`is not written again ${until}`, (t) => {
      const property = fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
        const tape = new SuspiciousTape(isDoneWhenSent);
        const bench = newBench('server', { transport: tape });
        tape.give(rawHello(Role.CLIENT));
        const leg = bench.link.openLeg('s', new Recorder());
        leg.open(openHead(), false);
        bench.clock.settle();
        tape.give(rawFrame(Kind.CREDIT, 1, u32(8_000_000)));
        let sent = 0;
        for (const { bytes, settles, confirms } of steps) {
          leg.data(Buffer.from(Array.from({ length: bytes }, (_, i) => (sent + i) % 251)), 0, bytes);
          sent += bytes;
          if (settles) bench.clock.settle();
          if (confirms) tape.confirm();
        }
        let received = 0;
        for (const { kind, payload } of tape.frames()) {
          if (kind !== Kind.DATA) continue;
          for (const byte of payload) assert.equal(byte, received++ % 251);
        }
        tape.confirm();
      });
      check(t, property, 60);
    });
  }
});
