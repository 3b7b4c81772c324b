import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWebSocket, switchesAsAsked } from './switching.ts';

describe('a 101', () => {
  it('may switch to what was asked for, or to a part of it, in any case and version', () => {
    for (const [asked, answered] of [
      ['websocket', 'WebSocket'],
      ['chat/2, websocket', 'websocket'],
      ['chat', 'chat/2'],
      ['TLS/1.2, chat', 'chat, TLS/1.2'],
    ] as const) {
      assert(switchesAsAsked(['Upgrade', asked], ['X-Other', 'h2c', 'UPGRADE', answered]), `${asked} to ${answered}`);
    }
    assert(switchesAsAsked(['upgrade', 'a', 'Upgrade', 'b'], ['Upgrade', 'b', 'upgrade', 'a']));
  });

  it('may not switch to anything else, nor without a word', () => {
    for (const answered of [
      [],
      ['Upgrade', ''],
      ['Upgrade', ' , '],
      ['Upgrade', 'h2c'],
      ['Upgrade', 'websocket, h2c'],
      ['Upgrade', 'websocket', 'Upgrade', 'h2c'],
      ['Connection', 'websocket'],
    ]) {
      assert(!switchesAsAsked(['Upgrade', 'websocket'], answered), JSON.stringify(answered));
    }
    assert(!switchesAsAsked([], ['Upgrade', 'websocket']));
  });

  it('switches to WebSocket where it accepts a key, and to something of that name otherwise', () => {
    const accept = ['Sec-WebSocket-Accept', 'x'];
    assert(isWebSocket(['upgrade', 'WebSocket', ...accept]));
    assert(!isWebSocket(['Upgrade', 'WebSocket', 'Sec-WebSocket-Location', 'ws://a/']));
    assert(!isWebSocket(['Upgrade', 'chat', ...accept]));
  });
});
