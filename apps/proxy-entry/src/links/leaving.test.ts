import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frame, Opcode } from '../testing/websocket-frames.ts';
import { LeavingNotice } from './leaving.ts';

const HELLO = frame(Opcode.BINARY, Buffer.from('hello'));
const NOTICE = frame(Opcode.PONG, Buffer.from('sallyport-leaving'));
const CLOSE = frame(Opcode.CLOSE, Buffer.from([3, 232]));

describe('the notice that a passing link is about to end', () => {
  it('stands between two frames of the server, however they are torn', () => {
    const bytes = Buffer.concat([HELLO, HELLO]);
    for (let begun = 0; begun <= bytes.length; begun += 1) {
      for (let next = begun; next <= bytes.length; next += 1) {
        const notice = new LeavingNotice();
        const sent = [
          ...notice.pass(bytes.subarray(0, begun)),
          ...notice.leave(),
          ...notice.pass(bytes.subarray(begun, next)),
          ...notice.pass(bytes.subarray(next)),
        ];
        const frames = begun === 0 ? 0 : Math.ceil(begun / HELLO.length);
        const expected = [HELLO, HELLO].toSpliced(frames, 0, NOTICE);
        assert.deepEqual(Buffer.concat(sent), Buffer.concat(expected), `begun ${begun}, next ${next}`);
      }
    }
  });

  it('is not said behind a Close', () => {
    const notice = new LeavingNotice();
    notice.pass(CLOSE.subarray(0, 1));
    assert.deepEqual([...notice.leave(), ...notice.pass(CLOSE.subarray(1))], [CLOSE.subarray(1)]);
  });
});
