import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { RequestBody } from './request-body.ts';

const HIGH_WATER_BYTES = 16_384;

describe('a request body', () => {
  it('is read as it was written, up to its end', async () => {
    const body = new RequestBody(() => {});
    body.add(Buffer.from('one '));
    body.add(Buffer.from('two'));
    body.finish();
    assert.equal((await body.toArray()).join(''), 'one two');
  });

  it('is taken when it is read, all of it and nothing twice', async () => {
    let taken = 0;
    const body = new RequestBody((bytes) => (taken += bytes));
    let read = 0;
    body.on('data', (chunk: Buffer) => (read += chunk.length));
    for (let written = 0; written < 100_000; written += 1_000) {
      body.add(Buffer.alloc(1_000));
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([read, taken], [written + 1_000, written + 1_000]);
    }
  });

  it('is not taken while its reader holds it up, but for what it may hold', async () => {
    let taken = 0;
    const body = new RequestBody((bytes) => (taken += bytes));
    body.on('data', () => body.pause());
    body.add(Buffer.alloc(1));
    await once(body, 'data');
    for (let i = 0; i < 100; i += 1) body.add(Buffer.alloc(1_000));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(taken <= HIGH_WATER_BYTES + 1_000, `${taken}`);
    body.removeAllListeners('data').resume();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(taken, 100_001);
  });

  it('that was destroyed takes no more, and nobody hears of it', async () => {
    const body = new RequestBody(() => assert.fail('taken'));
    body.destroy(new Error('cut'));
    await new Promise((resolve) => body.once('close', resolve));
    body.add(Buffer.alloc(10));
    body.finish();
    assert.ok(body.destroyed);
  });
});
