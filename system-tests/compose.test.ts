/** The compose stack, built and used as a developer would; where no Docker engine runs, skipped by name. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Compose, crash, docker, healthy, PROJECT, ROOT, stateOf, until, whyNoDocker } from './compose/compose.ts';
import { startPrivateBackend } from './compose/private-backend.ts';
import { buildStandIn, removeStandIns } from './compose/stand-ins.ts';
import { assertEnds, loadAround, summary } from './compose/traffic.ts';
import type { Fault } from './compose/traffic.ts';

const ENTRY = 'http://127.0.0.1:12000';
const SECOND_ENTRY = 'http://127.0.0.1:12020';
const PROMETHEUS = 'http://127.0.0.1:12008';
const DEMO = `${ENTRY}/session/demo/loadtest/get`;
const HTTPBIN = `${ENTRY}/session/httpbin/get`;
const SERVICES = [
  'tunnel-server',
  'proxy-entry',
  'tunnel-client',
  'tunnel-client-httpbin',
  'test-backend',
  'httpbin',
] as const;
const OWN_IMAGES = ['tunnel-server', 'proxy-entry', 'tunnel-client', 'test-backend', 'load'];
const ADMIN_PORTS = { 'tunnel-server': 12_002, 'proxy-entry': 12_003, 'tunnel-client': 12_004 };
const CLUSTER = ['--env-file', 'deploy/compose/cluster.env', '--profile', 'cluster'];
const IMAGE_OVER_BASE_MAX_MB = 100;
const BYTES_PER_MB = 1_000_000;
const RESULTS = join(ROOT, 'results');
const USAGE = 2;
/** Inconclusive: this machine may be busy. */
const DONE_OR_INCONCLUSIVE = [0, 3];

/** What may happen to requests for the test backend while each service is killed and comes back. */
const FAULTS: readonly Fault[] = [
  { service: 'test-backend', ends: ['cut', 'problem'], codes: /^SP_BACKEND_(REFUSED|RESET|TIMEOUT)$/ },
  { service: 'tunnel-client', ends: ['cut', 'problem'], codes: /^SP_(LINK_LOST|NO_CLIENT)$/ },
  { service: 'tunnel-server', ends: ['cut', 'problem'], codes: /^SP_(LINK_LOST|NO_SERVER|NO_CLIENT)$/ },
  { service: 'proxy-entry', ends: ['cut', 'no-answer', 'problem'], codes: /^SP_NO_SERVER$/ },
  // What is beside the way of these requests.
  { service: 'tunnel-client-httpbin', ends: [] },
  { service: 'httpbin', ends: [] },
];

interface Server {
  readonly sessions: readonly { readonly session: string }[];
}
interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly scrapeUrl: string;
}
interface Group {
  readonly rules: readonly { readonly name: string; readonly health: string }[];
}
interface Report {
  readonly steps: readonly { readonly arms: Readonly<Record<string, { readonly ok: number }>> }[];
  readonly evidence: { readonly partCpu: readonly { readonly usPerRequest: Readonly<Record<string, number>> }[] };
}

/** Undefined: there was no answer. */
async function statusOf(url: string, fields: Record<string, string> = {}): Promise<number | undefined> {
  try {
    const response = await fetch(url, { headers: { Connection: 'close', ...fields } });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

async function jsonOf<Body>(url: string, fields: Record<string, string> = {}): Promise<Body> {
  const response = await fetch(url, { headers: { Connection: 'close', ...fields } });
  assert.equal(response.status, 200, url);
  return (await response.json()) as Body;
}

function answers(url: string): Promise<true> {
  return until(`${url} to answer`, async () => ((await statusOf(url)) === 200 ? true : undefined));
}

function reportsOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function megabytesOf(image: string): Promise<number> {
  return Number(await docker('image', 'inspect', '-f', '{{.Size}}', image)) / BYTES_PER_MB;
}

async function leftOver(): Promise<{ containers: string; networks: string; hasVolumes: boolean }> {
  const own = ['--filter', `label=com.docker.compose.project=${PROJECT}`];
  const [containers, networks, volumes] = await Promise.all([
    docker('ps', '-aq', ...own),
    docker('network', 'ls', '-q', ...own),
    docker('volume', 'ls', '-q', ...own),
  ]);
  return { containers, networks, hasVolumes: volumes !== '' };
}

const why = whyNoDocker();

describe('the compose stack', why === null ? {} : { skip: why }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-compose-'));
  const compose = new Compose(join(folder, 'stand-ins.yml'));
  let upMs = 0;

  before(async () => {
    writeFileSync(
      join(folder, 'stand-ins.yml'),
      `services:\n  prometheus: { image: ${PROJECT}/prometheus }\n  load-k6: { image: ${PROJECT}/k6 }\n`,
    );
    await compose.run('--profile', 'load', 'build');
    const startMs = performance.now();
    await compose.run('up', '-d');
    upMs = performance.now() - startMs;
  });
  after(async () => {
    await compose.removeAll();
    await removeStandIns(PROJECT);
    rmSync(folder, { recursive: true });
  });

  async function adminFields(): Promise<Record<string, string>> {
    const token = await compose.exec('tunnel-server', 'cat', '/run/secrets/sallyport-admin');
    return { Authorization: `Bearer ${token}` };
  }

  it('answers through the tunnel for both sessions once "up -d" has returned', async (t) => {
    const startMs = performance.now();
    await answers(DEMO);
    await answers(HTTPBIN);
    const answeredMs = performance.now() - startMs;
    t.diagnostic(`up -d took ${Math.round(upMs)} ms, the first answers ${Math.round(answeredMs)} ms more`);
    const { headers } = await jsonOf<{ headers: Record<string, string> }>(HTTPBIN);
    assert.equal(headers['X-Forwarded-Prefix'], '/session/httpbin');
  });

  it('has every service turn healthy', async () => {
    for (const service of SERVICES) await healthy(await compose.container(service));
  });

  it('adds less than 100 MB to the image that its parts are based on', async (t) => {
    const base = await megabytesOf('node:26-bookworm-slim');
    for (const name of OWN_IMAGES) {
      const all = await megabytesOf(`sallyport/${name}`);
      const own = all - base;
      t.diagnostic(`sallyport/${name}: ${all.toFixed(1)} MB, ${own.toFixed(1)} over its base`);
      assert(own < IMAGE_OVER_BASE_MAX_MB, name);
    }
  });

  it('runs as nobody special, without rights, on files that it cannot change', async () => {
    const look = 'id -u; grep -hE "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status; touch /app-or-not 2>&1; true';
    for (const service of SERVICES) {
      const said = await compose.exec(service, 'sh', '-c', look);
      assert.match(said, service === 'httpbin' ? /^65534$/m : /^1000$/m, service);
      assert.match(said, /^CapEff:\s+0+$/m, service);
      assert.match(said, /^CapBnd:\s+0+$/m, service);
      assert.match(said, /^NoNewPrivs:\s+1$/m, service);
      assert.match(said, /Read-only file system/, service);
    }
  });

  it('tells anybody whether a part is ready, and an administrator alone its metrics', async () => {
    const fields = await adminFields();
    for (const [part, port] of Object.entries(ADMIN_PORTS)) {
      const admin = `http://127.0.0.1:${port}`;
      assert.equal(await statusOf(`${admin}/readyz`), 200, part);
      assert.equal(await statusOf(`${admin}/metrics`), 401, part);
      assert.equal(await statusOf(`${admin}/metrics`, fields), 200, part);
    }
  });

  it('is looked through by the doctor from within', async () => {
    const admin = Object.entries(ADMIN_PORTS).flatMap(([part, port]) => ['--admin', `http://${part}:${port}`]);
    const doctor = ['sallyport', 'doctor', ...admin, '--credential-file', '/run/secrets/admin.secret'];
    // It ends with 1 where something is not in order.
    const said = await compose.exec('tunnel-server', ...doctor);
    for (const part of Object.keys(ADMIN_PORTS)) assert(said.includes(`//${part}:`), `${part} in:\n${said}`);
  });

  it('gives entry and client their own secret alone, and no later start makes another', async () => {
    const first = await adminFields();
    await compose.run('up', '-d');
    assert.deepEqual(await adminFields(), first);
    const secretsOf = (service: string) => compose.exec(service, 'ls', '/run/secrets');
    assert.equal((await secretsOf('proxy-entry')).trim(), 'entry.secret');
    assert.equal((await secretsOf('tunnel-client')).trim(), 'client.secret');
  });

  it('believes the authorities in NODE_EXTRA_CA_CERTS', async (t) => {
    const backend = await startPrivateBackend(compose, folder, (end) => t.after(end));
    const url = `${ENTRY}/session/${backend.session}/`;
    const stranger = await backend.startClient(false);
    await until('the certificate to be refused', async () => ((await statusOf(url)) === 502 ? true : undefined));
    await docker('rm', '-f', stranger);
    await backend.startClient(true);
    await answers(url);
  });

  it("leaves a load test's report on the host's disk, and ends as the load test ends", async () => {
    const before = reportsOf(RESULTS);
    const { code, stderr } = await compose.try(['run', '--rm', 'load'], { LOAD_PROFILE: 'smoke' });
    assert(DONE_OR_INCONCLUSIVE.includes(code), `${code}: ${stderr}`);
    const made = reportsOf(RESULTS).filter((name) => !before.includes(name));
    assert.equal(made.length, 1, made.join(', '));
    const own = join(RESULTS, made[0]!);
    const { steps, evidence } = JSON.parse(readFileSync(join(own, 'report.json'), 'utf8')) as Report;
    assert.deepEqual(Object.keys(evidence.partCpu[0]!.usPerRequest).toSorted(), ['client', 'entry', 'server']);
    assert(steps.length > 0 && steps.every(({ arms }) => arms['tunnel']!.ok > 0 && arms['direct']!.ok > 0));
    assert.equal(statSync(join(own, 'report.html')).uid, statSync(RESULTS).uid);
    rmSync(own, { recursive: true });
    const wrong = await compose.try(['run', '--rm', 'load'], { LOAD_PROFILE: 'no-such-profile' });
    assert.equal(wrong.code, USAGE, wrong.stderr);
  });

  it('does the same by k6', async (t) => {
    if (!(await buildStandIn('k6', `${PROJECT}/k6`, folder))) return t.skip('k6 is not installed');
    const { code, stdout, stderr } = await compose.try(['run', '--rm', 'load-k6'], { K6_STEPS: '20x3' });
    // 99: on a busy machine the p99 may well be over the script's limit.
    assert([0, 99].includes(code), `${code}: ${stderr}${stdout}`);
    const file = join(RESULTS, 'k6.json');
    const { steps } = JSON.parse(readFileSync(file, 'utf8')) as Report;
    assert(steps.every(({ arms }) => arms['tunnel']!.ok > 0 && arms['direct']!.ok > 0));
    rmSync(file);
  });

  for (const fault of FAULTS) {
    it(`ends every request while ${fault.service} is killed, and serves all once it has come back by itself`, async (t) => {
      const container = await compose.container(fault.service);
      const { restarts } = await stateOf(container);
      const outcomes = await loadAround(`${ENTRY}/session/demo/`, async () => {
        await crash(container);
        await until(`${fault.service} to be started again`, async () => {
          return (await stateOf(container)).restarts > restarts ? true : undefined;
        });
      });
      t.diagnostic(summary(outcomes));
      assertEnds(outcomes, fault);
      await answers(DEMO);
      await answers(HTTPBIN);
      assertEnds(await loadAround(`${ENTRY}/session/demo/`, () => Promise.resolve()), { service: 'none', ends: [] });
    });
  }

  it('is scraped whole by the Prometheus of the monitoring profile, whose rules all hold', async (t) => {
    if (!(await buildStandIn('prometheus', `${PROJECT}/prometheus`, folder)))
      return t.skip('prometheus is not installed');
    await compose.run('--profile', 'monitoring', 'up', '-d', 'prometheus');
    await healthy(await compose.container('prometheus'));
    const api = `${PROMETHEUS}/api/v1`;
    let failed: string[] = [];
    const targets = () => `every target to be scraped, and none to fail: ${failed.join(', ')}`;
    await until(targets, async () => {
      const { data } = await jsonOf<{ data: { activeTargets: Target[] } }>(`${api}/targets`);
      const down = data.activeTargets.filter(({ health }) => health === 'down');
      failed = down.map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`);
      const isWhole = [
        'tunnel-server:12002',
        'proxy-entry:12003',
        'tunnel-client:12004',
        'tunnel-client-httpbin:12004',
      ].every((name) =>
        data.activeTargets.some(({ scrapeUrl, health }) => scrapeUrl.includes(`/${name}/`) && health === 'up'),
      );
      return isWhole && failed.length === 0 ? true : undefined;
    });
    await until('the first rules to be asked', async () => {
      const { data } = await jsonOf<{ data: { groups: Group[] } }>(`${api}/rules`);
      const rules = data.groups.flatMap((group) => group.rules);
      assert.deepEqual(
        rules.filter(({ health }) => health === 'err').map(({ name }) => name),
        [],
      );
      // Some are asked every few minutes only.
      return rules.some(({ health }) => health === 'ok') ? true : undefined;
    });
  });

  it('is healthy again in all parts', async () => {
    for (const service of SERVICES) await healthy(await compose.container(service));
  });

  it('goes on through the second server of the cluster profile when the first is killed', async (t) => {
    await compose.run(...CLUSTER, 'up', '-d');
    const fields = await adminFields();
    await answers('http://127.0.0.1:12003/readyz');
    await until('both servers to hold the session', async () => {
      const servers = await jsonOf<Server[]>('http://127.0.0.1:12003/api/servers', fields);
      const holds = ({ sessions }: Server) => sessions.some(({ session }) => session === 'demo');
      return servers.length === 2 && servers.every(holds) ? true : undefined;
    });
    await answers(`${SECOND_ENTRY}/session/demo/loadtest/get`);
    const first = await compose.container('tunnel-server');
    const outcomes = await loadAround(`${ENTRY}/session/demo/`, () => docker('kill', first));
    t.diagnostic(summary(outcomes));
    assertEnds(outcomes, { service: 'tunnel-server', ends: ['cut', 'problem'], codes: /^SP_LINK_LOST$/ });
    for (const entry of [ENTRY, SECOND_ENTRY]) {
      const url = `${entry}/session/demo/`;
      assertEnds(await loadAround(url, () => Promise.resolve()), { service: 'none', ends: [] });
    }
  });

  it('leaves its volumes behind "down", and nothing behind "down --volumes"', async () => {
    await compose.run('--profile', 'monitoring', ...CLUSTER, 'down', '--timeout', '5');
    assert.deepEqual(await leftOver(), { containers: '', networks: '', hasVolumes: true });
    await compose.removeAll();
    assert.deepEqual(await leftOver(), { containers: '', networks: '', hasVolumes: false });
  });
});
