/** Certificates that the entry has made for itself, with a real authority: Debian's pebble. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import { certificateFolder, putPair } from '../apps/proxy-entry/src/testing/authority.ts';
import { pebbleIsThere, startPebble } from './acme/pebble.ts';
import type { Pebble } from './acme/pebble.ts';
import { Command, isAlive } from './harness/command.ts';
import { eventually, within } from './harness/deadline.ts';
import { scrape, total } from './harness/metrics.ts';

const NAME = 'app.test';
/** An order looks again after one, two, four seconds, and so on. */
const ORDER_MS = 60_000;

interface Wanted {
  readonly folder: string;
  readonly names?: readonly string[];
  readonly port?: number;
  readonly set?: readonly string[];
  readonly directoryUrl?: string;
}

interface Entry {
  readonly url: string;
  readonly command: Command;
  readonly admin: string;
  readonly tls: string;
}

/** `sallyport entry` that knows no server; killed when the test ends. */
async function startEntry(t: TestContext, pebble: Pebble, wanted: Wanted): Promise<Entry> {
  const { folder, names = [NAME], port = pebble.httpPort, set = [], directoryUrl = pebble.directoryUrl } = wanted;
  const credential = join(folder, '.credential');
  writeFileSync(credential, 'entry:0123456789abcdef0123456789abcdef\n', { mode: 0o600 });
  const settings = [
    'entry.admin.port=0',
    'entry.tls.port=0',
    `entry.tls.certificates=${folder}`,
    `entry.tls.acme.names=${names.join(',')}`,
    `entry.tls.acme.directoryUrl=${directoryUrl}`,
    `entry.tls.acme.caFile=${pebble.caFile}`,
    'entry.tls.acme.termsAgreed=true',
    ...set,
  ];
  const dialling = ['--server', 'ws://127.0.0.1:1', '--credential-file', credential];
  const flags = settings.flatMap((each) => ['--set', each]);
  const command = new Command(['entry', '--json', '--port', String(port), ...dialling, ...flags]);
  t.after(async () => {
    command.signal('SIGKILL');
    await command.ended;
  });
  return { command, ...(await command.event<{ url: string; admin: string; tls: string }>('ready')) };
}

/** The certificate shown for `name`, checked against `ca`; null: the handshake failed. */
function shown(url: string, name: string, ca: string): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), servername: name, ca }, () => {
      resolve(socket.getPeerX509Certificate() ?? null);
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });
}

/** In force at the entry: issued, written, taken over. */
async function inForce({ tls, command }: Entry, name: string, ca: string): Promise<X509Certificate> {
  return eventually(
    async () => (await shown(tls, name, ca)) ?? undefined,
    () => `a certificate for ${name}: ${command.stderr}`,
    ORDER_MS,
  );
}

async function count({ admin }: Entry, what: 'issued' | 'failures'): Promise<number> {
  return total(await scrape(admin), `sallyport_acme_${what}_total`);
}

/** By all of them together: a certificate is in force a moment before it is counted. */
async function issued(expected: number, ...entries: readonly Entry[]): Promise<void> {
  const isSo = async () => {
    const counts = await Promise.all(entries.map((entry) => count(entry, 'issued')));
    return counts.reduce((sum, each) => sum + each, 0) === expected ? true : undefined;
  };
  await eventually(isSo, `${expected} certificates to be counted`);
}

/** The first line about it. */
function told({ command }: Entry, what: string): Promise<string> {
  const find = () => Promise.resolve(command.lines.find((line) => line.includes(what)));
  return eventually(find, () => `${what} in: ${command.stderr}`);
}

/** The line of the first failure, which must be the only one. */
async function failedOnce(entry: Entry): Promise<string> {
  const line = await told(entry, '"ACME: ');
  const lines = entry.command.lines.filter((each) => each.includes('"ACME: '));
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.equal(await count(entry, 'failures'), 1);
  return line;
}

/** Takes connections at `port` and gives them to one entry after the other, once all are there; who was given any. */
async function balance(t: TestContext, port: number, entries: Promise<readonly Entry[]>): Promise<ReadonlySet<string>> {
  const given = new Set<string>();
  let turn = 0;
  const server = createTcpServer((visitor) => {
    visitor.on('error', () => visitor.destroy());
    void entries.then((all) => {
      const { url } = all[turn++ % all.length]!;
      given.add(url);
      const entry = connectTcp(Number(new URL(url).port), '127.0.0.1');
      entry.on('error', () => visitor.destroy());
      visitor.pipe(entry).pipe(visitor);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return given;
}

void describe('certificates by ACME', pebbleIsThere(), () => {
  it('are had by HTTP-01 on the plain port, shown at once, and kept over a restart', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const entry = await startEntry(t, pebble, { folder, set: ['entry.tls.redirectPort=443'] });
    const first = await inForce(entry, NAME, await pebble.root());
    assert.equal(first.subjectAltName, `DNS:${NAME}`);
    await issued(1, entry);
    assert.match(await told(entry, 'ACME: certificate issued'), /"name":"app\.test","expires":"20/);
    for (const secret of [`acme-${NAME}.key`, '.acme/account.key']) {
      assert.equal(statSync(join(folder, secret)).mode & 0o777, 0o600, secret);
    }
    // Nothing of the order is left behind.
    await eventually(async () => (existsSync(join(folder, '.acme/lock')) ? undefined : true), 'the lock to be gone');
    assert.deepEqual(readdirSync(join(folder, '.acme')).toSorted(), ['account.key', 'challenges']);
    assert.deepEqual(readdirSync(join(folder, '.acme/challenges')), []);
    const account = readFileSync(join(folder, '.acme/account.key'), 'utf8');
    assert.equal((await entry.command.stop()).code, 0);
    const again = await startEntry(t, pebble, { folder });
    assert.equal((await inForce(again, NAME, await pebble.root())).serialNumber, first.serialNumber);
    assert.equal(await count(again, 'issued'), 0);
    await again.command.stop();
    // A further name, by the account that there is.
    const further = await startEntry(t, pebble, {
      folder,
      names: [NAME, 'other.test'],
      set: ['entry.tls.acme.contact=ops@example.org'],
    });
    await inForce(further, 'other.test', await pebble.root());
    await issued(1, further);
    assert.equal(readFileSync(join(folder, '.acme/account.key'), 'utf8'), account);
  });

  it('are had by DNS-01 through the hook, for a wildcard too, and its records are taken away', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const [hook, calls] = [join(folder, '.hook'), join(folder, '.calls')];
    const script = `#!/bin/sh
echo "$1 $2" >> ${calls}
case $1 in
add) curl -sSf -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" ${pebble.dnsUrl}/set-txt ;;
remove) curl -sSf -d "{\\"host\\":\\"$2.\\"}" ${pebble.dnsUrl}/clear-txt ;;
esac
`;
    writeFileSync(hook, script);
    chmodSync(hook, 0o755);
    const set = ['entry.tls.acme.challenge=dns-01', `entry.tls.acme.dnsHook=${hook}`];
    const entry = await startEntry(t, pebble, { folder, names: [NAME, '*.wild.test'], port: 0, set });
    const root = await pebble.root();
    await inForce(entry, NAME, root);
    assert.equal((await inForce(entry, 'any.wild.test', root)).subjectAltName, 'DNS:*.wild.test');
    const expected = [NAME, 'wild.test'].flatMap((name) =>
      ['add', 'remove'].map((verb) => `${verb} _acme-challenge.${name}`),
    );
    assert.deepEqual(readFileSync(calls, 'utf8').trim().split('\n'), expected);
  });

  it('are renewed in the last third of their life, while the old one is shown', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    // Of a day, with an hour left.
    const old = pebble.authority.issue('old', { names: `DNS:${NAME}` });
    putPair(folder, `acme-${NAME}`, old);
    const entry = await startEntry(t, pebble, { folder });
    const both = `${pebble.authority.ca}\n${await pebble.root()}`;
    const renewed = async () => {
      const now = await shown(entry.tls, NAME, both);
      assert(now !== null, 'a moment without a certificate');
      return now.serialNumber === new X509Certificate(old.cert).serialNumber ? undefined : now;
    };
    const second = await eventually(renewed, 'the new certificate', ORDER_MS);
    assert.ok(second.validToDate > new X509Certificate(old.cert).validToDate);
  });

  it('are had once by two entries that share the folder, whichever of them the authority asks', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const started = Promise.withResolvers<readonly Entry[]>();
    const asked = await balance(t, pebble.httpPort, started.promise);
    const both = await Promise.all([0, 0].map((port) => startEntry(t, pebble, { folder, port })));
    started.resolve(both);
    const root = await pebble.root();
    const [one, other] = await Promise.all(both.map((entry) => inForce(entry, NAME, root)));
    assert.equal(one!.serialNumber, other!.serialNumber);
    await issued(1, ...both);
    assert.equal(asked.size, 2, 'the authority asked one of them only');
  });

  it('that are refused are told of in one line, and asked for again later, by a restarted entry too', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    // The authority asks where nobody listens.
    const entry = await startEntry(t, pebble, { folder, port: 0 });
    const line = await failedOnce(entry);
    assert.match(line, /"name":"app\.test","reason":".*connection refused","failures":1,"nextAttempt":"20/);
    assert.ok(total(await scrape(entry.admin), 'sallyport_acme_last_failure_timestamp_seconds') > 1.7e9);
    const stateFile = join(folder, '.acme', `acme-${NAME}.failed.json`);
    const state = () => readFileSync(stateFile, 'utf8');
    await eventually(async () => (existsSync(stateFile) ? true : undefined), 'the failure to be kept for a restart');
    const before = state();
    await entry.command.stop();
    const again = await startEntry(t, pebble, { folder, names: [NAME, 'other.test'] });
    // Its turn is after the one that failed.
    await inForce(again, 'other.test', await pebble.root());
    await issued(1, again);
    assert.equal(await count(again, 'failures'), 0);
    assert.equal(state(), before);
  });

  it('are not asked for before the time that a busy directory names', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const { cert, key } = pebble.authority.issue('busy', { names: 'IP:127.0.0.1' });
    const busy = createServer({ cert, key }, (_request, response) => {
      response.writeHead(429, { 'Retry-After': '86400', 'Content-Type': 'application/problem+json' });
      response.end('{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}');
    });
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    t.after(() => {
      busy.close();
      busy.closeAllConnections();
    });
    const directoryUrl = `https://127.0.0.1:${(busy.address() as AddressInfo).port}/dir`;
    const entry = await startEntry(t, pebble, { folder, directoryUrl });
    const { reason, nextAttempt } = JSON.parse(await failedOnce(entry)) as { reason: string; nextAttempt: string };
    assert.match(reason, /429/);
    const waitMs = Date.parse(nextAttempt) - Date.now();
    assert.ok(waitMs > 86_000_000 && waitMs <= 86_400_000, nextAttempt);
  });

  it('are told of as failed where the directory is not there, is not trusted, or the hook fails', async (t) => {
    const pebble = await startPebble(t);
    const hook = join(pebble.authority.folder, 'hook');
    writeFileSync(hook, '#!/bin/sh\necho "no such zone" >&2\nexit 7\n');
    chmodSync(hook, 0o755);
    const rows: [Partial<Wanted>, RegExp][] = [
      [{ directoryUrl: 'https://127.0.0.1:1/dir' }, /127\.0\.0\.1:1 gives no answer: ECONNREFUSED/],
      [{ set: [`entry.tls.acme.caFile=${certificateOfNobody(pebble)}`] }, /gives no answer: (SELF_SIGNED|UNABLE_TO)/],
      [
        { set: ['entry.tls.acme.challenge=dns-01', `entry.tls.acme.dnsHook=${hook}`] },
        /hook add ended with 7: no such zone/,
      ],
    ];
    for (const [wanted, expected] of rows) {
      const entry = await startEntry(t, pebble, { folder: certificateFolder(pebble.authority), port: 0, ...wanted });
      assert.match(await failedOnce(entry), expected);
    }
  });

  it('are given up by an entry that stops, with its hook, and had by the next without a wait', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const [hook, called] = [join(folder, '.hook'), join(folder, '.called')];
    writeFileSync(hook, `#!/bin/sh\n[ "$1" = add ] && echo $$ > ${called}\nexec sleep 60\n`);
    chmodSync(hook, 0o755);
    const set = ['entry.tls.acme.challenge=dns-01', `entry.tls.acme.dnsHook=${hook}`];
    const entry = await startEntry(t, pebble, { folder, set });
    const isCalled = () =>
      Promise.resolve(existsSync(called) && readFileSync(called, 'utf8') !== '' ? true : undefined);
    await eventually(isCalled, 'the hook to run');
    assert.ok(existsSync(join(folder, '.acme/lock')));
    assert.equal((await entry.command.stop()).code, 0);
    const hookPid = Number(readFileSync(called, 'utf8'));
    await eventually(async () => (isAlive(hookPid) ? undefined : true), 'the hook to end');
    await inForce(await startEntry(t, pebble, { folder }), NAME, await pebble.root());
  });

  it('are not begun with settings or files that cannot be used', async (t) => {
    const pebble = await startPebble(t);
    const folder = certificateFolder(pebble.authority);
    const rows: [string[], RegExp][] = [
      [['entry.tls.acme.termsAgreed=false'], /needs entry\.tls\.acme\.termsAgreed/],
      [['entry.tls.acme.challenge=dns-01'], /needs entry\.tls\.acme\.dnsHook/],
      [['entry.tls.acme.names=*.app.test'], /use dns-01 for names with \*/],
      [[`entry.tls.acme.accountKeyFile=${pebble.caFile}`], /is no key \(PEM\); put that file right/],
      [['entry.tls.acme.caFile=/nowhere.pem'], /entry\.tls\.acme\.caFile: \/nowhere\.pem cannot be read \(ENOENT\)/],
      [['entry.tls.certificates=/nowhere'], /nowhere cannot be read \(ENOENT\)/],
    ];
    for (const [set, expected] of rows) {
      const base = [
        `entry.tls.certificates=${folder}`,
        'entry.tls.acme.names=app.test',
        'entry.tls.acme.termsAgreed=true',
      ];
      const flags = [...base, 'entry.admin.port=0', 'entry.tls.port=0', ...set].flatMap((each) => ['--set', each]);
      const credential = join(folder, '.credential');
      writeFileSync(credential, 'entry:0123456789abcdef0123456789abcdef\n', { mode: 0o600 });
      const command = new Command(['entry', '--json', '--port', '0', '--credential-file', credential, ...flags]);
      t.after(() => command.signal('SIGKILL'));
      assert.equal((await within(command.ended, 'the entry to end')).code, 2, command.stderr);
      assert.match(command.stderr, expected);
    }
  });
});

function certificateOfNobody({ authority }: Pebble): string {
  return authority.issue('nobody', { names: 'DNS:nobody.test' }).certFile;
}
