import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { eventsOf, runCli, startCli, temporaryFolder } from '../../testing/cli.ts';
import { refusal } from '../../testing/refusal.ts';

const RAMP = ['load', 'ramp', '--target', 'http://127.0.0.1:9/session/demo/'];

/** Keeps what it is asked for, as `METHOD path bytes`. */
async function startBackend(t: TestContext, onAsked = () => {}): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${bytes}`);
      onAsked();
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/session/demo/`, asked };
}

describe('a load test that is asked for wrongly', { concurrency: 2, timeout: 300_000 }, () => {
  it('names the broken line of a credentials file and shows nothing of it', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'keys'), 'a:1\nhunter2\n');
    const env = { SALLYPORT_LOAD_CREDENTIALS: 'keys', SALLYPORT_TARGET: 'http://127.0.0.1:9/' };
    for (const line of [
      await refusal(t, [...RAMP, '--credentials', 'keys'], { cwd }),
      await refusal(t, ['load', 'ramp'], { cwd, env }),
    ]) {
      assert.match(line, /keys:2 is not id:secret; write one pair a line/);
      assert.doesNotMatch(line, /hunter2/);
    }
  });

  it('is refused with the profile or key that was meant', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'p.yaml'), 'stepps: []\n');
    assert.match(await refusal(t, [...RAMP, '--profile', 'agressive']), /nearest is "aggressive"/);
    assert.match(
      await refusal(t, [...RAMP, '--profile', 'p.yaml'], { cwd }),
      /unknown key "stepps"; nearest is "steps"/,
    );
  });

  it('shows nothing of a header that it cannot read: it may be a secret', async (t) => {
    for (const text of ['authorization Bearer hunter2', 'authorization Bearer hunter2:x']) {
      const line = await refusal(t, [...RAMP, '--header', 'a: b', '--header', text]);
      assert.match(line, /--header \(number 2\) is not 'name: value'/);
      assert.doesNotMatch(line, /hunter2/);
    }
  });

  it('names flag and file where a file is none', async (t) => {
    const cwd = temporaryFolder(t);
    for (const flag of ['--ca', '--cert', '--key', '--body-file', '--credentials']) {
      const line = await refusal(t, [...RAMP, flag, '.'], { cwd });
      assert.match(line, new RegExp(`${flag} \\. cannot be used \\(EISDIR\\); give a file, not a folder`));
    }
    writeFileSync(join(cwd, 'long'), Buffer.alloc(1_048_577));
    assert.match(await refusal(t, [...RAMP, '--ca', 'long'], { cwd }), /--ca long has more than 1048576 bytes/);
  });

  it('is refused where a picture is asked for and nothing can draw it', async (t) => {
    const env = { SALLYPORT_CHROMIUM: '/no/chromium' };
    for (const asked of [RAMP, ['load', 'report', '.']]) {
      const line = await refusal(t, [...asked, '--png'], { env, cwd: temporaryFolder(t) });
      assert.match(line, /SALLYPORT_CHROMIUM=\/no\/chromium is not an executable file; apt-get install chromium/);
    }
  });

  it('is refused where nothing listens at --direct, and no reports are written', async (t) => {
    const cwd = temporaryFolder(t);
    const { url } = await startBackend(t);
    const flags = ['--target', url, '--direct', 'http://127.0.0.1:1/', '--warm-up', '0', '--rate', '5'];
    const line = await refusal(t, ['load', 'ramp', ...flags, '--duration', '1', '--out', 'r'], { cwd });
    assert.match(line, /127\.0\.0\.1:1: nothing listens there \(ECONNREFUSED\); start it, or correct --direct/);
    assert.deepEqual(readdirSync(cwd), []);
  });

  it('is refused where --shard or --open have no meaning', async (t) => {
    const { url } = await startBackend(t);
    const target = ['--target', url, '--direct', url, '--shard', '1/2'];
    for (const command of ['overhead', 'capacity', 'soak']) {
      assert.match(await refusal(t, ['load', command, ...target]), /--shard is for load ramp and load isolate/);
    }
    assert.match(await refusal(t, ['load', 'compare', 'a', 'b', '--open']), /--open has no page to show: .*--out DIR/);
  });

  it('is refused with how to write what was meant', async (t) => {
    const wrong: [string[], RegExp][] = [
      [[...RAMP, '--shard', '2'], /--shard 2 is not such as 2\/4/],
      [[...RAMP, '--http2', '--websocket'], /--http2 and --websocket do not go together/],
      [[...RAMP, '--ca', '/no/such'], /--ca \/no\/such cannot be used \(ENOENT\)/],
      [['load', 'ramp', '--target', 'https://example.com/'], /--yes-i-run-this-target/],
    ];
    const lines = await Promise.all(wrong.map(([args]) => refusal(t, args)));
    for (const [index, [, pattern]] of wrong.entries()) assert.match(lines[index] ?? '', pattern);
    const k6 = await refusal(t, [...RAMP, '--engine', 'k6'], { env: { SALLYPORT_K6: '/no/k6' } });
    assert.match(k6, /go install go\.k6/);
  });

  it('is stopped by the check before it, after the lines of what is well', async (t) => {
    const { code, stderr } = await runCli(t, [...RAMP, '--check', '--out', join(temporaryFolder(t), 'r')]);
    assert.equal(code, 2);
    assert.match(stderr, /nothing listens there \(ECONNREFUSED\); start it/);
  });
});

const line = (atMs: number, method: string, path: string, bytesIn: number): string =>
  JSON.stringify({
    msg: 'request',
    session: 'demo',
    arrivedMs: 1e12 + atMs,
    method,
    target: path,
    status: 200,
    bytesIn,
  });

describe('a load test whose terminal is closed', { timeout: 300_000 }, () => {
  it('ends with what it has, as at a Ctrl-C', async (t) => {
    const asked = Promise.withResolvers<void>();
    const { url } = await startBackend(t, () => asked.resolve());
    const flags = ['--target', url, '--rate', '50', '--duration', '600', '--warm-up', '0', '--json'];
    const run = startCli(t, ['load', 'ramp', ...flags, '--out', temporaryFolder(t)]);
    await asked.promise;
    run.child.kill('SIGHUP');
    const { code, stdout } = await run.ended;
    const [report] = eventsOf(stdout);
    assert.deepEqual([code, report?.['event']], [130, 'report']);
  });
});

describe('a recording', { timeout: 300_000 }, () => {
  it('of an access log is replayed as a profile, faster', async (t) => {
    const cwd = temporaryFolder(t);
    const { url, asked } = await startBackend(t);
    const log = [line(900, 'POST', '/session/demo/b', 70), line(0, 'GET', '/session/demo/a?key=hunter2', 0)];
    writeFileSync(join(cwd, 'entry.log'), `starting\n${log.join('\n')}\n`);
    const made = await runCli(t, ['load', 'record', '--access-log', 'entry.log', '--out', 'p.yaml', '--json'], { cwd });
    const [event] = eventsOf(made.stdout);
    assert.deepEqual([made.code, event?.event, event?.['requests']], [0, 'recorded', 2], made.stderr);
    const profile = readFileSync(join(cwd, 'p.yaml'), 'utf8');
    assert.match(profile, /^ {2}0 GET \/a\?key=\n {2}900 POST \/b 70\n$/m);
    assert.doesNotMatch(profile, /hunter2/);
    const flags = ['--target', url, '--profile', 'p.yaml', '--speed', '3', '--warm-up', '0', '--out', 'r', '--json'];
    const { stdout, stderr } = await runCli(t, ['load', 'ramp', ...flags], { cwd });
    const [report] = eventsOf(stdout);
    assert.equal(report?.event, 'report', stderr);
    // A generator that is held up sends both at once, on a connection each.
    assert.deepEqual(asked.toSorted(), ['GET /session/demo/a?key= 0', 'POST /session/demo/b 70']);
  });
});
