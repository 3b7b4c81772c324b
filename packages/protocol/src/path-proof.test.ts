import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPathProved } from './path-proof.ts';
import { newBench, readyBench } from './testing/bench.ts';
import { rawFrame, u32 } from './testing/frames.ts';
import { Kind } from './wire.ts';

const PING_OF_PEER = rawFrame(Kind.PING, 0, u32(9));

describe('that links carry data', () => {
  it('is not asked where there is no link, or none that is ready', () => {
    assert.ok(isPathProved([]));
    assert.ok(isPathProved([newBench('server').link]));
  });

  it('is shown to who asks by canaries by each that is not late', () => {
    const bench = readyBench('server');
    bench.clock.advance(3_000);
    assert.ok(isPathProved([bench.link]));
    bench.clock.advance(1_000);
    assert.ok(!isPathProved([bench.link]), 'nothing came back');
    bench.tape.give(PING_OF_PEER);
    assert.ok(isPathProved([bench.link]));
  });

  it('is shown to who answers by anything that arrives within a heartbeat and the time for a PONG', () => {
    const bench = readyBench('client');
    bench.clock.advance(6_000);
    assert.ok(isPathProved([bench.link]));
    bench.clock.advance(1_999);
    assert.ok(isPathProved([bench.link]));
    bench.clock.advance(1);
    assert.ok(!isPathProved([bench.link]), 'not even the PONG came');
    bench.tape.give(PING_OF_PEER);
    bench.clock.advance(1_000);
    assert.ok(isPathProved([bench.link]));
  });

  it('is shown by one link, whatever the others do', () => {
    const silent = readyBench('server');
    silent.clock.advance(4_000);
    const heard = readyBench('server');
    assert.ok(isPathProved([silent.link, heard.link]));
    assert.ok(isPathProved([heard.link, silent.link]));
  });

  it('is not asked any more of a link that was closed', () => {
    const bench = readyBench('server');
    bench.clock.advance(4_000);
    bench.link.dead();
    assert.ok(isPathProved([bench.link]));
  });
});
