import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS } from '../testing/answer.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { listenRaw } from '../testing/raw-backend.ts';
import { Http1Backend } from './http1-backend.ts';
import type { BackendOptions, BackendRequest } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;
const SWITCHING = 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';

function upgrade(target = '/', ...fields: string[]): BackendRequest {
  return { ...get(target, 'Upgrade', 'chat', ...fields), hasBody: true };
}

/** A request that the backend has read, with its head. */
async function asked(t: TestContext, changes: Partial<BackendOptions> = {}, request = upgrade()) {
  const raw = await listenRaw(t);
  const answer = new Answer(new Http1Backend({ ...OPTIONS, url: raw.url, ...changes }), request);
  t.after(() => answer.call.cancel());
  const wire = await raw.accept();
  return { raw, answer, wire, head: await wire.hearHead() };
}

async function upgraded(t: TestContext) {
  const setting = await asked(t);
  setting.wire.say(SWITCHING);
  await setting.answer.head;
  return setting;
}

describe('upgrades', () => {
  describe('a request for an upgrade', { timeout: CEILING_MS }, () => {
    it('has its target and its fields as they came, with the Upgrade of its own connection', async (t) => {
      const { head } = await asked(t, {}, upgrade('/a%2F?\xfc', 'X-Many', '1', 'x-MANY', '\xfc'));
      assert.match(head, /^GET \/a%2F\?\xfc HTTP\/1\.1\r\nHost: visited.example\r\nUpgrade: chat\r\n/);
      assert.match(head, /\r\nX-Many: 1\r\nx-MANY: \xfc\r\nConnection: Upgrade\r\n/);
    });

    it('becomes raw bytes both ways, those right behind the 101 as well', async (t) => {
      const { answer, wire } = await asked(t);
      wire.say(`${SWITCHING}hello`);
      await answer.bytes(5);
      assert.deepEqual([answer.told, answer.reason, answer.body], [['101', 'data'], 'Switching', 'hello']);
      assert.deepEqual(answer.fields, ['Connection', 'Upgrade', 'Upgrade', 'chat']);
      answer.call.write(Buffer.from('and you'));
      assert.equal(await wire.hear('you'), 'and you');
      await answer.taken(7);
    });

    it('keeps what the visitor sent before the 101, and takes it then', async (t) => {
      const { answer, wire } = await asked(t);
      answer.call.write(Buffer.from('early '));
      answer.call.write(Buffer.from('birds'));
      answer.call.end([]);
      assert.equal(answer.takenBytes, 0);
      wire.say(SWITCHING);
      assert.equal(await wire.hearAll(), 'early birds');
      await answer.taken(11);
    });

    it('ends each way by itself', async (t) => {
      const { answer, wire } = await upgraded(t);
      answer.call.write(Buffer.from('last words'));
      answer.call.end([]);
      assert.equal(await wire.hearAll(), 'last words');
      wire.say('an answer');
      wire.finish();
      await answer.over;
      assert.deepEqual([answer.told, answer.body], [['101', 'data', 'end'], 'an answer']);
    });

    it('is cut by a reset, for an end would look like the end of what the visitor says', async (t) => {
      for (const hasEnded of [false, true]) {
        const { answer, wire } = await upgraded(t);
        answer.call.write(Buffer.from('half'));
        await wire.hear('half');
        const closed = new Promise<string>((resolve) => {
          wire.socket
            .once('error', (error: Error & { code?: string }) => resolve(error.code ?? ''))
            .once('end', () => resolve('end'));
        });
        if (hasEnded) answer.call.end([]);
        answer.call.cancel();
        assert.equal(await closed, hasEnded ? 'end' : 'ECONNRESET');
      }
    });

    it('still takes from the visitor when the backend has ended its way', async (t) => {
      const { answer, wire } = await upgraded(t);
      wire.finish();
      await answer.over;
      answer.call.write(Buffer.from('still there'));
      answer.call.end([]);
      assert.equal(await wire.hearAll(), 'still there');
      assert.deepEqual(answer.told, ['101', 'end']);
    });

    it('is held up while nobody takes its bytes, and goes on where it was', async (t) => {
      const { answer, wire } = await upgraded(t);
      answer.isFull = true;
      const bytes = 1_000_000;
      wire.say('x'.repeat(bytes));
      for (let seen = 0; seen < bytes;) {
        await answer.bytes(seen + 1);
        assert.ok(answer.body.length - seen <= 65_536);
        seen = answer.body.length;
        answer.call.resume();
      }
      assert.equal(answer.body.length, bytes);
    });

    it('may go to a Unix socket', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'backend-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const raw = await listenRaw(t, join(folder, 'socket'));
      const answer = new Answer(new Http1Backend({ ...OPTIONS, url: raw.url }), upgrade());
      const wire = await raw.accept();
      await wire.hearHead();
      wire.say(SWITCHING);
      await answer.head;
      assert.equal(answer.status, 101);
      answer.call.cancel();
    });
  });

  describe('an answer that is no upgrade', { timeout: CEILING_MS }, () => {
    it('passes whole: its fields, its body, its trailers', async (t) => {
      const { answer, wire } = await asked(t);
      wire.say('HTTP/1.1 426 No\r\nX-Many: 1\r\nx-many: 2\r\nTransfer-Encoding: chunked\r\n\r\n');
      wire.say('2\r\nno\r\n0\r\nX-Sum: 1\r\n\r\n');
      await answer.over;
      assert.deepEqual([answer.told, answer.reason, answer.body], [['426', 'data', 'end'], 'No', 'no']);
      assert.deepEqual(answer.fields.slice(0, 4), ['X-Many', '1', 'x-many', '2']);
      assert.deepEqual(answer.trailers, ['X-Sum', '1']);
    });

    it('ends with the connection where it has no length', async (t) => {
      const { answer, wire } = await asked(t);
      wire.say('HTTP/1.1 200 OK\r\n\r\nall of it');
      wire.finish();
      await answer.over;
      assert.deepEqual([answer.told, answer.body], [['200', 'data', 'end'], 'all of it']);
    });

    it('is cut where the backend cuts it, and is over once', async (t) => {
      for (const how of ['reset', 'finish'] as const) {
        for (const field of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
          const { answer, wire } = await asked(t);
          wire.say(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n3\r\nab`);
          await answer.bytes(1);
          wire[how]();
          await answer.over;
          assert.deepEqual(answer.told, ['200', 'data', 'failed backend-reset'], `${how} ${field}`);
        }
      }
    });

    it('is cut by a reset also where it would end with the connection', async (t) => {
      const { answer, wire } = await asked(t);
      wire.say('HTTP/1.1 200 OK\r\n\r\nhalf');
      await answer.bytes(4);
      wire.reset();
      await answer.over;
      assert.deepEqual(answer.told, ['200', 'data', 'failed backend-reset']);
    });
  });

  describe('a backend that fails a request for an upgrade', { timeout: CEILING_MS }, () => {
    it('has refused it, not started, where it cannot be connected to', async () => {
      for (const url of [`http://127.0.0.1:${await freePort()}`, 'unix:/nowhere/at/all', 'http://nowhere.invalid']) {
        const answer = new Answer(new Http1Backend({ ...OPTIONS, url }), upgrade());
        await answer.over;
        assert.deepEqual(answer.told, ['failed backend-refused not-started'], url);
      }
    });

    it('has not started it where there is a connection, but no TLS', async (t) => {
      const { url } = await listenRaw(t);
      const silent = { ...OPTIONS, url: url.replace('http:', 'https:'), connectTimeoutMs: 30, headTimeoutMs: 30 };
      const late = new Answer(new Http1Backend(silent), upgrade());
      await late.over;
      assert.deepEqual(late.told, ['failed backend-timeout not-started']);
      const cutting = await listenRaw(t);
      const cut = new Answer(new Http1Backend({ ...OPTIONS, url: cutting.url.replace('http:', 'https:') }), upgrade());
      (await cutting.accept()).reset();
      await cut.over;
      assert.deepEqual(cut.told, ['failed backend-refused not-started']);
    });

    it('has cut it where it cuts the connection before its head', async (t) => {
      for (const how of ['reset', 'finish'] as const) {
        const { answer, wire } = await asked(t);
        wire[how]();
        await answer.over;
        assert.deepEqual(answer.told, ['failed backend-reset'], how);
      }
    });

    it('has cut the bytes where it resets the connection behind the 101', async (t) => {
      const { answer, wire } = await upgraded(t);
      wire.reset();
      await answer.over;
      assert.deepEqual(answer.told, ['101', 'failed backend-reset']);
    });

    it('has not answered in time, once its time is over', async (t) => {
      const { answer, wire } = await asked(t, { headTimeoutMs: 30 });
      await answer.over;
      await wire.hearAll();
      assert.deepEqual(answer.told, ['failed backend-timeout']);
    });

    it('has a bad head where HTTP does not allow it', async (t) => {
      const { answer, wire } = await asked(t);
      wire.say('what?\r\n\r\n');
      await answer.over;
      assert.deepEqual(answer.told, ['failed bad-head']);
    });
  });

  describe('a request for an upgrade that is cancelled', { timeout: CEILING_MS }, () => {
    it('closes its connection, before the 101 and behind it, and fails once', async (t) => {
      for (const isUpgraded of [false, true]) {
        const { answer, wire } = isUpgraded ? await upgraded(t) : await asked(t);
        answer.call.cancel();
        answer.call.cancel();
        await answer.over;
        await wire.hearAll();
        assert.deepEqual(answer.told, [...(isUpgraded ? ['101'] : []), 'failed cancelled']);
      }
    });

    it('from within its 101 takes nothing that comes behind it', async (t) => {
      const { answer, wire } = await asked(t);
      answer.onAnswer = () => answer.call.cancel();
      wire.say(`${SWITCHING}hello`);
      await answer.over;
      await wire.hearAll();
      assert.deepEqual(answer.told, ['failed cancelled']);
    });
  });
});
