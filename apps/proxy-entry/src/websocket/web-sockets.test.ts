import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { frame, Opcode } from '../testing/websocket-frames.ts';
import { WebSockets } from './web-sockets.ts';
import type { ByteSink } from './web-sockets.ts';

const CLOSE = frame(Opcode.CLOSE, Buffer.from('\x03\xf4service restart', 'latin1'));
const HELLO = frame(Opcode.TEXT, Buffer.from('hello'));
const CLOSE_TIMEOUT_MS = 5_000;

class Sink implements ByteSink {
  readonly written: Buffer[] = [];
  hasRoom = true;

  write(chunk: Buffer): boolean {
    this.written.push(chunk);
    return this.hasRoom;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }
}

function open(t: TestContext, all = new WebSockets()) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const visitor = new Sink();
  const late: string[] = [];
  const webSocket = all.add(visitor, () => late.push('late'));
  t.after(() => all.remove(webSocket));
  return { all, visitor, webSocket, late };
}

describe('an open WebSocket', () => {
  it('passes what the backend sends as it comes, and says when the visitor has no room', (t) => {
    const { visitor, webSocket } = open(t);
    assert.equal(webSocket.write(HELLO.subarray(0, 3)), true);
    visitor.hasRoom = false;
    assert.equal(webSocket.write(HELLO.subarray(3)), false);
    assert.deepEqual(visitor.bytes, HELLO);
  });
});

describe('a WebSocket in a drain', () => {
  it('is closed with 1012 at once between two frames, and nothing of the backend comes behind that', (t) => {
    const { all, visitor, webSocket } = open(t);
    webSocket.write(HELLO);
    all.drain();
    assert.deepEqual(visitor.bytes, Buffer.concat([HELLO, CLOSE]));
    assert.equal(webSocket.write(HELLO), true);
    assert.deepEqual(visitor.bytes, Buffer.concat([HELLO, CLOSE]));
  });

  it('finishes the frame that has begun, however it is torn', (t) => {
    for (let begun = 1; begun < HELLO.length; begun += 1) {
      for (let next = begun; next < HELLO.length; next += 1) {
        const { all, visitor, webSocket } = open(t);
        webSocket.write(HELLO.subarray(0, begun));
        all.drain();
        if (next > begun) webSocket.write(HELLO.subarray(begun, next));
        webSocket.write(Buffer.concat([HELLO.subarray(next), HELLO]));
        assert.deepEqual(visitor.bytes, Buffer.concat([HELLO, CLOSE]), `begun ${begun}, next ${next}`);
        t.mock.timers.reset();
      }
    }
  });

  it('says that the visitor has no room also for the end of a frame', (t) => {
    const { all, visitor, webSocket } = open(t);
    webSocket.write(HELLO.subarray(0, 4));
    all.drain();
    visitor.hasRoom = false;
    assert.equal(webSocket.write(HELLO.subarray(4)), false);
  });

  it('gets no second Close where the backend has sent its own', (t) => {
    const own = frame(Opcode.CLOSE, Buffer.from([3, 233]));
    for (const before of [own.length, 1]) {
      const { all, visitor, webSocket } = open(t);
      webSocket.write(own.subarray(0, before));
      all.drain();
      if (before < own.length) webSocket.write(own.subarray(before));
      webSocket.write(HELLO);
      assert.deepEqual(visitor.bytes, own, `${before} bytes of it before the drain`);
      t.mock.timers.reset();
    }
  });

  it('is late when it has not ended some time behind its Close, and not where it ended', (t) => {
    const { all, webSocket, late } = open(t);
    webSocket.write(HELLO.subarray(0, 1));
    all.drain();
    t.mock.timers.tick(CLOSE_TIMEOUT_MS);
    assert.deepEqual(late, []);
    webSocket.write(HELLO.subarray(1));
    t.mock.timers.tick(CLOSE_TIMEOUT_MS - 1);
    assert.deepEqual(late, []);
    t.mock.timers.tick(1);
    assert.deepEqual(late, ['late']);
    t.mock.timers.reset();
    const other = open(t);
    other.all.drain();
    other.all.remove(other.webSocket);
    t.mock.timers.tick(CLOSE_TIMEOUT_MS);
    assert.deepEqual(other.late, []);
  });

  it('is closed at once where it was opened in the drain', (t) => {
    const { all } = open(t);
    all.drain();
    const visitor = new Sink();
    const webSocket = all.add(visitor, () => {});
    t.after(() => all.remove(webSocket));
    assert.deepEqual(visitor.bytes, CLOSE);
  });
});
