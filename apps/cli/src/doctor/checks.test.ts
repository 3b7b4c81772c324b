import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileCredentials, pepperPathOf } from '@sallyport/credentials';
import { parsePrometheusText } from '@sallyport/load-tests';
import { startEntry } from '@sallyport/proxy-entry';
import { createLogger } from '@sallyport/telemetry';
import { startBackend } from '@sallyport/test-backend';
import { certificateFolder, haveOpenssl, putPair, TestAuthority } from '../../../proxy-entry/src/testing/authority.ts';
import { temporaryFolder } from '../testing/cli.ts';
import { freePort } from '../../../../packages/protocol/src/testing/free-port.ts';
import { contextOf, httpServer, listening, verdicts } from '../testing/doctor.ts';
import { isBare, partsOf } from './context.ts';
import { checkCredentialFiles } from './credential-file.ts';
import { judgeNobody } from './missing-part.ts';
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

  it('counts a part that is written of, also with no setting', () => {
    const written = { ...contextOf({}).settings!, sections: ['server', 'log'] };
    assert.deepEqual([isBare(written), [...partsOf(written)]], [false, ['server']]);
  });
});

describe('checkPorts', () => {
  it('finds a free port, a part of ours and another program apart', async (t) => {
    const backend = await startBackend({ host: '127.0.0.1', port: 0 });
    t.after(() => backend.close());
    const health = await httpServer(t, (_, response) => void response.end('{"status":"ok"}'));
    const other = () => httpServer(t, (_, response) => void response.writeHead(404).end());
    const set = {
      'entry.port': await other(),
      'entry.admin.port': 0,
      'server.port': await other(),
      'server.admin.port': 0,
      'client.admin.port': health,
      'backend.port': backend.port,
    };
    const found = await checkPorts(contextOf({ set }));
    const words = ['another program', 'a free one', 'another program', 'a free one', 'served by', 'served by'];
    assert.deepEqual(
      verdicts(found),
      ['fail', 'ok', 'fail', 'ok', 'ok', 'ok'].map((status) => `${status} port`),
    );
    const [free] = await checkPorts(contextOf({ set: { 'client.admin.port': await freePort() } }));
    assert.deepEqual([free?.status, free!.message.endsWith('is free')], ['ok', true]);
    for (const [index, word] of words.entries()) assert.ok(found[index]!.message.includes(word), found[index]!.message);
    assert.match(found[0]!.fix!, /entry\.port/);
  });

  it('takes one that takes connections and says nothing for another program', async (t) => {
    const set = { 'server.port': await listening(t, createServer()), 'server.admin.port': 0 };
    const look = async (timeoutMs: number) => (await checkPorts(contextOf({ set, timeoutMs })))[0]!;
    let found = await look(200);
    // On a busy machine not even a connection may be made in so short a time.
    if (found.status === 'ok') found = await look(10_000);
    assert.deepEqual([found.status, found.message.endsWith('is used by another program')], ['fail', true]);
  });

  it('asks nothing of an entry that runs which visitors would be refused', async (t) => {
    if (!haveOpenssl(t)) return;
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const folder = certificateFolder(authority);
    putPair(folder, 'app', authority.issue('app', { names: 'DNS:app.test' }));
    const tls = { 'entry.tls.certificates': folder, 'entry.tls.port': 0, 'entry.hosts': { 'app.test': 'demo' } };
    const { config } = contextOf({ set: { 'entry.port': 0, 'entry.admin.port': 0, ...tls } }).settings!;
    const logger = createLogger({ level: 'silent', part: 'test', destination: 2 });
    const entry = await startEntry({ config, logger, version: '0.0.0' });
    t.after(() => entry.stop());
    const ports = {
      'entry.port': Number(new URL(entry.url).port),
      'entry.tls.port': Number(new URL(entry.tlsUrl!).port),
      'entry.admin.port': Number(new URL(entry.adminUrl).port),
    };
    const found = await checkPorts(contextOf({ set: { ...tls, ...ports } }));
    assert.deepEqual(
      found.map(({ message }) => message.endsWith('is served by Sallyport')),
      [true, true, true],
      JSON.stringify(found),
    );
    const metrics = await (await fetch(`${entry.adminUrl}/metrics`, { headers: { Connection: 'close' } })).text();
    const counted = parsePrometheusText(metrics).filter(
      ({ name, value }) =>
        /^sallyport_(refused|requests|tls_handshake_failures|limit_hits)_total$/.test(name) && value > 0,
    );
    assert.deepEqual(counted, []);
  });

  it('says so where there is nothing to look at', async () => {
    const bare = await checkPorts(contextOf({}));
    const isServed = bare.some(({ message }) => message.endsWith('is served by Sallyport'));
    assert.equal(bare.at(-1)?.check === 'configuration', !isServed);
    const [found] = judgeNobody(contextOf({}).settings!, false);
    assert.match(found!.message, /^no configuration file was found here .* no part answers at the default ports$/);
    assert.match(found!.fix!, /--config FILE.*--admin URL/);
    assert.equal(found!.status, 'warn');
    assert.deepEqual(judgeNobody(contextOf({}).settings!, true), []);
    assert.deepEqual(judgeNobody({ ...contextOf({}).settings!, file: '/etc/sallyport.yaml' }, false), []);
    assert.deepEqual(judgeNobody(contextOf({ set: { 'client.links': 2 } }).settings!, false), []);
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
