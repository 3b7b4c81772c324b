import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileCredentials, pepperPathOf } from '@sallyport/credentials';
import { startBackend } from '@sallyport/test-backend';
import { temporaryFolder } from '../testing/cli.ts';
import { contextOf, freePort, httpServer, listening, verdicts } from '../testing/doctor.ts';
import { isBare, partsOf } from './context.ts';
import { checkCredentialFiles } from './credential-file.ts';
import { checkPorts } from './ports.ts';
import { checkStores } from './store.ts';

const SECRET = 'nobody:0123456789abcdef\n';

describe('partsOf', () => {
  it('is every part while nothing is configured, and otherwise those with a setting', () => {
    const bare = contextOf({}).settings!;
    assert.deepEqual([isBare(bare), partsOf(bare).size], [true, 4]);
    const client = contextOf({ set: { 'client.links': 2, 'log.level': 'warn' } }).settings!;
    assert.deepEqual([isBare(client), [...partsOf(client)]], [false, ['client']]);
  });
});

describe('checkPorts', () => {
  it('finds a free port, a part of ours and another program apart', async (t) => {
    const backend = await startBackend({ host: '127.0.0.1', port: 0 });
    t.after(() => backend.close());
    const health = await httpServer(t, (_, response) => void response.end('{"status":"ok"}'));
    const other = await httpServer(t, (_, response) => void response.writeHead(404).end());
    const silent = await listening(t, createServer());
    const set = {
      'entry.port': other,
      'entry.admin.port': health,
      'server.port': silent,
      'server.admin.port': 0,
      'client.admin.port': await freePort(),
      'backend.port': backend.port,
    };
    const found = await checkPorts(contextOf({ set, timeoutMs: 200 }));
    const words = ['another program', 'served by Sallyport', 'another program', 'a free one', 'is free', 'served by'];
    assert.deepEqual(
      verdicts(found),
      ['fail', 'ok', 'fail', 'ok', 'ok', 'ok'].map((status) => `${status} port`),
    );
    for (const [index, word] of words.entries()) assert.ok(found[index]!.message.includes(word), found[index]!.message);
    assert.match(found[0]!.fix!, /entry\.port/);
  });

  it('finds two parts at one port, and an address of another machine', async () => {
    const port = await freePort();
    const set = { 'server.port': port, 'server.admin.port': port, 'server.host': '127.0.0.1' };
    assert.match((await checkPorts(contextOf({ set })))[0]!.message, /server\.port and server\.admin\.port are both/);
    const [elsewhere] = await checkPorts(contextOf({ set: { 'server.host': '203.0.113.1' } }));
    assert.match(elsewhere!.message, /not on this machine/);
  });
});

describe('checkCredentialFiles', () => {
  it('reads what the part would show, and warns when others can', async (t) => {
    const file = join(temporaryFolder(t), 'client.secret');
    writeFileSync(file, SECRET, { mode: 0o600 });
    const set = { 'client.credentialFile': file };
    const found = await checkCredentialFiles(contextOf({ set }));
    assert.deepEqual(verdicts(found), ['ok credential']);
    assert.ok(!JSON.stringify(found).includes('0123456789abcdef'));
    chmodSync(file, 0o644);
    const open = await checkCredentialFiles(contextOf({ set }));
    assert.deepEqual(verdicts(open), ['ok credential', 'warn credential']);
    assert.equal(open[1]!.fix, `chmod 600 ${file}`);
  });

  it('fails where a configured part has none, or one that cannot be read or is none', async (t) => {
    const file = join(temporaryFolder(t), 'client.secret');
    writeFileSync(file, 'no colon\n');
    const cases = [{ 'client.links': 2 }, { 'client.credentialFile': '/nowhere/x' }, { 'client.credentialFile': file }];
    for (const set of cases) {
      assert.deepEqual(verdicts(await checkCredentialFiles(contextOf({ set }))), ['fail credential']);
    }
  });

  it('takes the environment, and misses nothing where nothing is configured', async () => {
    const env = { SALLYPORT_CREDENTIAL: SECRET.trim() };
    assert.deepEqual(verdicts(await checkCredentialFiles(contextOf({ set: { 'client.links': 2 }, env }))), [
      'ok credential',
    ]);
    assert.deepEqual(verdicts(await checkCredentialFiles(contextOf({}))), ['ok credential', 'ok credential']);
  });
});

describe('checkStores', () => {
  it('counts a store, misses the credentials it would be of no use without, and looks at the modes', async (t) => {
    const path = join(temporaryFolder(t), 'store.json');
    const opened = await FileCredentials.open({ path, create: true });
    assert.ok(opened.ok);
    await opened.value.add({ principal: 'laptop', role: 'client', sessions: ['demo'] });
    const set = { 'server.credentialStore': path };
    const found = await checkStores(contextOf({ set }));
    assert.deepEqual(verdicts(found), ['ok store', 'warn store']);
    assert.match(found[0]!.message, /1 credentials, and 0 revoked/);
    assert.match(found[1]!.fix!, /creds add NAME --for entry/);
    await opened.value.add({ principal: 'edge', role: 'entry', sessions: [] });
    for (const file of [path, pepperPathOf(path)]) chmodSync(file, 0o640);
    assert.deepEqual(verdicts(await checkStores(contextOf({ set }))), ['ok store', 'warn store', 'warn store']);
  });

  it('fails for one that is not there, without its pepper, or broken, and for that of an admin port', async (t) => {
    const folder = temporaryFolder(t);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{');
    const lone = join(folder, 'lone.json');
    writeFileSync(lone, '{"schema":"sallyport.credentials/1","credentials":[]}');
    for (const path of [join(folder, 'gone.json'), broken, lone]) {
      const [found] = await checkStores(contextOf({ set: { 'server.credentialStore': path } }));
      assert.equal(found?.status, 'fail');
      assert.ok(found.message.includes(path.replace(/lone\.json$/, 'lone')), found.message);
    }
    const admin = await checkStores(contextOf({ set: { 'client.admin.credentials': broken } }));
    assert.deepEqual(verdicts(admin), ['fail store']);
  });

  it('misses none where nothing is configured', async (t) => {
    const env = { SALLYPORT_CREDENTIALS_FILE: join(temporaryFolder(t), 'none.json') };
    assert.deepEqual(verdicts(await checkStores(contextOf({ env }))), ['ok store']);
  });
});
