import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { newSecret, readSecret, TICKET_KEY_BYTES, TICKET_PERIOD_MS, ticketKeys, ticketPeriod } from './ticket-keys.ts';

function fileIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ticket-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'ticket.key');
}

describe('the keys of session tickets', () => {
  it('are the same for all who share a secret, in one period and for one audience', () => {
    const secret = newSecret();
    const keys = ticketKeys(secret, 7, 'off');
    assert.equal(keys.length, TICKET_KEY_BYTES);
    assert.deepEqual(keys, ticketKeys(Buffer.from(secret), 7, 'off'));
    for (const other of [
      ticketKeys(secret, 8, 'off'),
      ticketKeys(secret, 7, 'on'),
      ticketKeys(newSecret(), 7, 'off'),
    ]) {
      assert.notDeepEqual(keys, other);
    }
  });

  it('change every six hours', () => {
    assert.equal(ticketPeriod(TICKET_PERIOD_MS * 3), 3);
    assert.equal(ticketPeriod(TICKET_PERIOD_MS * 4 - 1), 3);
  });

  it('come from a file that is made on first use, for its owner alone, and once', async (t) => {
    const path = fileIn(t);
    const both = await Promise.all([readSecret(path), readSecret(path), readSecret(path)]);
    const secrets = both.map((each) => (each.ok ? each.secret.toString('hex') : each.why));
    assert.equal(new Set(secrets).size, 1, secrets.join());
    assert.equal(readFileSync(path, 'utf8'), `${secrets[0]}\n`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('are not made from a file that is something else', async (t) => {
    const path = fileIn(t);
    writeFileSync(path, 'hunter2');
    assert.deepEqual(await readSecret(path), { ok: false, why: `${path} is not a line of 64 hexadecimal digits` });
    const nowhere = join(path, 'below', 'a-file');
    assert.deepEqual(await readSecret(nowhere), {
      ok: false,
      why: `entry.tls.ticketKeyFile: ${nowhere} cannot be read (ENOTDIR)`,
    });
  });
});
