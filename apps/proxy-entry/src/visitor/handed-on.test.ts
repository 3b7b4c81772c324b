import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handedOn } from './handed-on.ts';

const env = (names: string, changes: Readonly<Record<string, string>> = {}) => ({
  LISTEN_PID: '77',
  LISTEN_FDS: String(names.split(':').length),
  LISTEN_FDNAMES: names,
  ...changes,
});

describe('sockets that are handed on', () => {
  it('are none where the parent says nothing', () => {
    assert.deepEqual([...handedOn({}, 77)], []);
  });

  it('begin at descriptor 3, in the order of their names', () => {
    assert.deepEqual(
      [...handedOn(env('https:http'), 77)],
      [
        ['https', 3],
        ['http', 4],
      ],
    );
  });

  it('are not ours where they were meant for a process before us', () => {
    assert.deepEqual([...handedOn(env('http'), 78)], []);
  });

  for (const [names, message] of [
    ['smtp', 'a socket named smtp was handed on'],
    ['', 'a socket named nothing was handed on'],
    ['http:http', 'two sockets named http were handed on'],
  ] as const) {
    it(`are refused: ${message}`, () => {
      assert.throws(() => handedOn(env(names), 77), { code: 'SP_LISTEN_FDS', message });
    });
  }
});
