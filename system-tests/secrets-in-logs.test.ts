/** Nothing that a visitor or an operator keeps secret is in a log, at the level that shows most; and who looks would see it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { dialHttp2 } from './harness/h2.ts';
import { eventually } from './harness/deadline.ts';
import { noteSecret, SECRETS_FILE } from './harness/secrets.ts';
import { SHAPES, startStack } from './harness/stack.ts';
import { visit } from './harness/visit.ts';
import { dial } from './harness/wire.ts';
import { Fleet, logged } from './reload/fleet.ts';
import { startEchoBackend } from './reload/echo-backend.ts';

const LOUD = ['log.level=trace', 'log.accessLog=true'];

/** A secret of this test alone. */
function fresh(): string {
  return noteSecret(`s3cret-${randomBytes(12).toString('hex')}`);
}

/** Everything that carries one, on a request. */
function secretFields(): {
  readonly secrets: string[];
  readonly fields: Record<string, string>;
  readonly query: string;
} {
  const [bearer, cookie, key, token, password] = [fresh(), fresh(), fresh(), fresh(), fresh()];
  return {
    secrets: [bearer, cookie, key, token, password],
    fields: { Authorization: `Bearer ${bearer}`, Cookie: `session=${cookie}`, 'X-Api-Key': key },
    query: `?access_token=${token}&x=1&password=${password}`,
  };
}

function assertNone(log: string, secrets: readonly string[]): void {
  const lines = log.split('\n');
  for (const [i, secret] of secrets.entries()) {
    assert.deepEqual(
      lines.flatMap((line, n) => (line.includes(secret) ? [n + 1] : [])),
      [],
      `secret ${i} stands in these lines`,
    );
  }
}

for (const { shape, isSplit } of SHAPES) {
  it(`of a visitor nothing secret is in the logs of ${shape}, whatever becomes of the request`, async (context) => {
    const stack = await startStack({ isSplit, set: [...LOUD, 'entry.http2.cleartext=true'] });
    context.after(() => stack.command.stop());
    const { secrets, fields, query } = secretFields();
    const paths = ['loadtest/get', 'loadtest/status/500', 'nowhere', 'loadtest/echo'];
    for (const path of paths) await visit(`${stack.url}${path}${query}`, { fields });
    await visit(`${stack.entry}/session/nobody/${query}`, { fields });
    await visit(`${stack.entry}/${query}`, { fields });
    await visit(`${stack.url}loadtest/echo${query}`, { method: 'POST', body: secrets.join(), fields });
    const wire = await dial(stack.entry);
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    wire.send(`GET /session/demo/${query} HTTP/1.1\r\nHost: a\r\nHost: b\r\n${lines.join('')}\r\n`);
    await wire.readAll();
    const peer = await dialHttp2(stack.entry);
    peer.socket.end();
    const hasAll = async () => (stack.command.stderr.split('"msg":"request"').length > 8 ? true : undefined);
    await eventually(hasAll, () => `a line for each request: ${stack.command.stderr}`);
    assertNone(stack.command.stderr + JSON.stringify(stack.command.events), secrets);
    assert.match(stack.command.stderr, /access_token=\[redacted\]/);
  });
}

it('of operators nothing secret is in the logs: credentials, refused ones too, the pepper, a password in a URL', async (context) => {
  const backend = await startEchoBackend('one');
  context.after(() => backend.close());
  const password = fresh();
  const fleet = await Fleet.start({
    'log.level': 'trace',
    'log.accessLog': true,
    'client.sessions': [{ id: 'demo', backend: backend.url }],
  });
  context.after(() => fleet.stop());
  const secrets = ['entry', 'client'].map((name) => fleet.bearer(name).split('.')[1] ?? '');
  const pepper = readFileSync(join(fleet.folder, 'store.pepper'));
  secrets.push(...(['hex', 'base64', 'base64url'] as const).map((form) => noteSecret(pepper.toString(form))), password);
  fleet.write({ 'entry.servers': [fleet.server.url, `ws://me:${password}@127.0.0.1:9`] });
  assert.equal((await fleet.reload('entry')).status, 200);
  await eventually(
    async () => (logged(fleet.entry, 'uplink lost').length > 0 ? true : undefined),
    'the second server not to be reached',
  );
  const wrong = fresh();
  secrets.push(wrong);
  writeFileSync(join(fleet.folder, 'client.secret'), `nobody:${wrong}\n`);
  assert.equal((await fleet.reload('client')).status, 200);
  await eventually(
    async () => (logged(fleet.server, 'link refused').length > 0 ? true : undefined),
    'the server to refuse it',
  );
  const shown = [JSON.stringify(await fleet.api('entry', 'servers'))];
  assert.match(shown[0] ?? '', /127\.0\.0\.1:9/);
  const sound = {
    'entry.domain': undefined,
    'entry.credentialFile': join(fleet.folder, 'entry.secret'),
    'entry.servers': [fleet.server.url],
    'entry.drainTimeoutMs': undefined,
    'entry.hosts': undefined,
    'tracing.endpoint': undefined,
    'client.sessions': [{ id: 'demo', backend: backend.url }],
  };
  for (const settings of misplaced(password, wrong)) {
    fleet.write({ ...sound, ...settings });
    const { status, body } = await fleet.reload('client' in settings ? 'client' : 'entry');
    assert.equal(status, 409, JSON.stringify(settings));
    shown.push(JSON.stringify(body));
  }
  assertNone(shown.join('\n'), secrets);
  for (const part of [fleet.server, fleet.entry, fleet.client]) {
    assertNone(part.command.stderr + JSON.stringify(part.command.events), secrets);
  }
});

/** Settings that are refused, each with a secret where none belongs. */
function misplaced(password: string, secret: string): Record<string, unknown>[] {
  return [
    { 'entry.domain': `ws://me:${password}@host`, 'entry.credentialFile': `id:${secret}` },
    { 'entry.servers': [`wss//me:${password}@tunnel.example.org`] },
    { 'entry.servers': [`wss:/me:${password}@tunnel.example.org`] },
    { 'entry.servers': [`me:${password}@tunnel.example.org:443`] },
    { 'entry.drainTimeoutMs': `me.${secret}` },
    { 'entry.hosts': { [`me:${password}@host`]: 'demo' } },
    { 'entry.hosts': { 'app.example.org': `me:${secret}` } },
    { 'tracing.endpoint': `https://collector.example.org/?api_key=${secret}` },
    { 'client.sessions': [{ id: 'demo', backend: `http:\\\\me:${password}@10.0.0.1` }] },
    { 'client.sessions': [{ id: 'demo', backend: `http://me:${password}@10.0.0.1`, protocol: 'h2' }] },
    { [`entry.${secret}`]: secret },
  ];
}

function search(logs: Readonly<Record<string, string>>, secrets: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-logs-'));
  try {
    for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, `${name}.log`), text);
    writeFileSync(join(folder, SECRETS_FILE), secrets.map((secret) => `${JSON.stringify(secret)}\n`).join(''));
    const program = join(import.meta.dirname, 'secrets-in-logs.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder], { encoding: 'utf8' });
    return { status, said: `${stdout}${stderr}`.replaceAll(folder, 'FOLDER') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the search through all logs of a run', () => {
  it('finds a secret wherever it stands, tells the place, and does not tell the secret', () => {
    const { status, said } = search({ entry: 'a line\nanother with hunter2-hunter2 in it\n', server: 'x\n' }, [
      'hunter2-hunter2',
      'a.b*c[d"e\\f',
    ]);
    assert.equal(status, 1);
    assert.match(said, /FOLDER\/entry\.log:2/);
    assert.doesNotMatch(said, /hunter2/);
  });

  it('takes a secret for what it is, not for a pattern', () => {
    assert.equal(search({ entry: 'aXbYcZd\n' }, ['a.b.c.d.']).status, 0);
    assert.equal(search({ entry: 'x a.b*c[d"e\\f\n' }, ['a.b*c[d"e\\f']).status, 1);
  });

  it('knows a key and a credential that nobody told it of', () => {
    assert.equal(search({ entry: '-----BEGIN PRIVATE KEY-----\n' }, ['hunter2-hunter2']).status, 1);
    assert.equal(
      search({ entry: '"authorization":"Bearer abc.0123456789abcdef0123"\n' }, ['hunter2-hunter2']).status,
      1,
    );
  });

  it('says so where there is nothing to look at', () => {
    assert.equal(search({ entry: 'a line\n' }, []).status, 2);
    assert.equal(search({}, ['hunter2-hunter2']).status, 2);
  });
});
