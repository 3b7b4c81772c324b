import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryTransportPair } from './memory-transport.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import type { Transport } from './transport.ts';

function listen(transport: Transport): string[] {
  const heard: string[] = [];
  transport.handler = {
    onMessage: (message) => void heard.push(message.toString()),
    onText: () => void heard.push('text'),
    onLeaving: () => void heard.push('leaving'),
    onSent: (bytes) => void heard.push(`sent ${bytes}`),
    onClosed: (code, reason) => void heard.push(`closed ${code} ${reason}`),
  };
  return heard;
}

function newPair() {
  const clock = new VirtualClock();
  const [a, b] = memoryTransportPair(clock);
  return { clock, a, b, atA: listen(a), atB: listen(b) };
}

const messages = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

describe('the memory transport', () => {
  it('delivers in a later turn, in order, and then says that it has', () => {
    const { clock, a, atA, atB } = newPair();
    a.send(messages('one', 'two'), 6);
    a.send(messages('three'), 5);
    assert.deepEqual(atB, []);
    clock.settle();
    assert.deepEqual(atB, ['one', 'two', 'three']);
    assert.deepEqual(atA, ['sent 11']);
  });

  it('carries both directions at once, and what is sent while it delivers', () => {
    const { clock, a, b, atA, atB } = newPair();
    b.handler!.onMessage = (message) => {
      atB.push(message.toString());
      if (atB.length < 4) b.send(messages(`re ${message.toString()}`), 4);
    };
    a.send(messages('x', 'y'), 2);
    b.send(messages('z'), 1);
    clock.settle();
    assert.deepEqual(
      atB.filter((each) => !each.startsWith('sent')),
      ['x', 'y'],
    );
    assert.deepEqual(
      atA.filter((each) => !each.startsWith('sent')),
      ['z', 're x', 're y'],
    );
  });

  it('closes behind what was sent, once', () => {
    const { clock, a, atB } = newPair();
    a.send(messages('last words'), 10);
    a.close(4000, 'bye');
    a.close(4001, 'again');
    a.send(messages('too late'), 8);
    clock.settle();
    assert.deepEqual(atB, ['last words', 'closed 4000 bye']);
  });

  it('delivers nothing to a side that has closed', () => {
    const { clock, a, b, atB } = newPair();
    a.send(messages('x'), 1);
    b.close(4000, '');
    clock.settle();
    assert.deepEqual(atB, []);
  });

  it('shows a destroyed side as an abnormal closure', () => {
    const { clock, a, atB } = newPair();
    a.destroy();
    clock.settle();
    assert.deepEqual(atB, ['closed 1006 destroyed']);
  });
});
