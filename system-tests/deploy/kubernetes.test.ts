/** The Kubernetes manifests: rendered by kustomize, checked against Kubernetes' own schemas, and run, pod by pod, here. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { parse } from 'yaml';
import { TestAuthority } from '../../apps/proxy-entry/src/testing/authority.ts';
import { Command, ROOT } from '../harness/command.ts';
import { isReady } from '../harness/deployment.ts';
import { needs } from '../harness/needs.ts';
import { startBackend } from '../links/secure-server.ts';
import { filesOf, mount, podOf, Rendered, workloads } from './rendered.ts';
import type { Pod, Resource } from './rendered.ts';
import { visitTls } from './visit-tls.ts';

const OVERLAYS = ['production', 'development'] as const;
/** Made by others: cert-manager, or a person. */
const CERTIFICATES = ['tunnel-server-tls', 'proxy-entry-tls'];
const PARTS = { server: 'tunnel-server', entry: 'proxy-entry', client: 'tunnel-client' } as const;
type Part = keyof typeof PARTS;
const MS_PER_S = 1_000;
/** The oldest that they are for. */
const VERSION = '1.30';
/** Of operators: not among Kubernetes' own schemas. */
const FOREIGN = new Set(['PodMonitor']);

describe('the Kubernetes manifests', needs('kustomize'), () => {
  let rendered: Rendered;
  const overlays = new Map<string, readonly Resource[]>();
  before(() => {
    rendered = Rendered.make();
    for (const overlay of OVERLAYS) overlays.set(overlay, rendered.resources(overlay));
  });
  after(() => rendered.remove());

  it('keep their credentials when they are made again', () => {
    const before = rendered.text('production');
    rendered.makeSecrets();
    assert.equal(rendered.text('production'), before);
  });

  for (const overlay of OVERLAYS) {
    it(`of ${overlay} are what Kubernetes knows, with no field too many`, needs('kubernetesValidate'), (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-manifests-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const known = overlays.get(overlay)!.filter(({ kind }) => !FOREIGN.has(kind));
      const files = known.map((resource, i) => {
        const path = join(folder, `${i}-${resource.kind}.yaml`);
        writeFileSync(path, JSON.stringify(resource));
        return path;
      });
      assert.ok(files.length > 10);
      execFileSync('kubernetes-validate', ['--strict', '-k', VERSION, ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
    });

    it(`of ${overlay} mount only what is there, or what is made by others`, () => {
      const resources = overlays.get(overlay)!;
      for (const { spec } of workloads(resources)) {
        for (const { configMap, secret } of spec.template.spec.volumes ?? []) {
          const source = configMap ?? secret!;
          const isThere = filesOf(resources, source) !== null || CERTIFICATES.includes(source.secretName ?? '');
          assert.ok(isThere, JSON.stringify(source));
        }
      }
    });

    it(`of ${overlay} give pods no rights, and time for their drain`, () => {
      const config = defaults();
      for (const part of Object.keys(PARTS) as Part[]) {
        const pod = podOf(overlays.get(overlay)!, PARTS[part]);
        const [container] = pod.containers;
        const preStopMs = (container!.lifecycle?.preStop.sleep.seconds ?? 0) * MS_PER_S;
        assert.ok(pod.terminationGracePeriodSeconds! * MS_PER_S > preStopMs + config[part].drainTimeoutMs);
        assert.equal(pod.automountServiceAccountToken, false);
        assert.deepEqual(container!.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        const ports = Object.fromEntries(container!.ports.map(({ name, containerPort }) => [name, containerPort]));
        assert.deepEqual(ports, portsOf(part), PARTS[part]);
      }
    });
  }

  it('list one server for each replica', () => {
    for (const resources of overlays.values()) {
      const replicas = workloads(resources).find(({ kind }) => kind === 'StatefulSet')!.spec.replicas!;
      for (const part of ['entry', 'client'] as const) {
        const { servers } = configOf(resources, part)[part]!;
        const scheme = servers![0]!.split(':')[0];
        const expected = Array.from(
          { length: replicas },
          (_, i) => `${scheme}://tunnel-server-${i}.tunnel-server:12001`,
        );
        assert.deepEqual(servers, expected);
      }
    }
  });

  it('leave the number of clients to the autoscaler, where there is one', () => {
    const clients = OVERLAYS.map((overlay) =>
      workloads(overlays.get(overlay)!).find(({ metadata }) => metadata.name === 'tunnel-client'),
    );
    assert.deepEqual(
      clients.map((each) => each!.spec.replicas),
      [undefined, 1],
    );
  });

  it('of production serve visitors by TLS, run here with their own arguments, configuration and secrets', async (t) => {
    const resources = overlays.get('production')!;
    const site = new Site(t, resources);
    const server = site.start('server', ['server.port=0']);
    const links = new URL((await server.event<{ url: string }>('ready')).url).port;
    const dialling = ['--server', `wss://localhost:${links}`];
    const entry = site.start('entry', ['entry.port=0', 'entry.tls.port=0'], dialling);
    const ready = await entry.event<{ tls: string; url: string; admin: string }>('ready');
    const backend = await startBackend(t);
    const client = site.start('client', [], [backend, '--session', 'demo', ...dialling]);
    await client.event('ready');
    const admin = `http://127.0.0.1:${new URL(ready.admin).port}`;
    await isReady(admin);
    const path = '/session/demo/';
    const answer = await visitTls(`https://localhost:${new URL(ready.tls).port}${path}`, site.authority.caFile);
    assert.deepEqual(answer, { status: 200, body: 'hello' });
    const plain = await fetch(`http://127.0.0.1:${new URL(ready.url).port}${path}`, { redirect: 'manual' });
    assert.deepEqual([plain.status, plain.headers.get('location')], [308, `https://127.0.0.1${path}`]);
    // The probes need no credential, all else does: that of the PodMonitor.
    const scrape = (headers: Record<string, string>) => fetch(`${admin}/metrics`, { headers });
    assert.equal((await scrape({})).status, 401);
    const token = filesOf(resources, { secretName: 'sallyport-scrape' })!['scrape.token']!.toString().trim();
    const metrics = await scrape({ Authorization: `Bearer ${token}` });
    assert.match(await metrics.text(), /^sallyport_requests_total\{/m);
    for (const part of [entry, client, server]) assert.deepEqual(await part.stop(), { code: 0, signal: null });
  });

  it('ask the Prometheus adapter for what the autoscaler wants, by queries that give it', needs('promtool'), (t) => {
    const { rules } = parse(
      readFileSync(join(ROOT, 'deploy/kubernetes/components/autoscaling/prometheus-adapter-values.yaml'), 'utf8'),
    ) as Adapter;
    const asked = overlays
      .get('production')!
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .flatMap(({ spec }) =>
        (spec as unknown as Autoscaler).metrics.map((each) => (each.pods ?? each.external).metric.name),
      );
    const known = [...rules.custom, ...rules.external];
    assert.deepEqual(
      known.map(({ name }) => name.as),
      asked,
    );
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-adapter-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify(recorded(known)));
    writeFileSync(join(folder, 'tests.yml'), JSON.stringify(ADAPTER_TEST));
    execFileSync('promtool', ['test', 'rules', join(folder, 'tests.yml')], { encoding: 'utf8' });
  });
});

interface AdapterRule {
  readonly name: { readonly as: string };
  readonly metricsQuery: string;
}
interface Adapter {
  readonly rules: { readonly custom: readonly AdapterRule[]; readonly external: readonly AdapterRule[] };
}
interface Autoscaler {
  readonly metrics: readonly Readonly<Record<'pods' | 'external', { readonly metric: { readonly name: string } }>>[];
}

/** With what the adapter fills in. */
function filled(query: string): string {
  return query.replaceAll('<<.LabelMatchers>>', 'namespace="sallyport"').replaceAll('<<.GroupBy>>', 'pod');
}

/** The adapter's queries as recording rules. */
function recorded(rules: readonly AdapterRule[]): object {
  return {
    groups: [
      {
        name: 'adapter',
        rules: rules.map(({ name, metricsQuery }) => ({ record: name.as, expr: filled(metricsQuery) })),
      },
    ],
  };
}

const slots = (pod: string, state: string, values: string) => ({
  series: `sallyport_slots{part="client",state="${state}",namespace="sallyport",pod="${pod}"}`,
  values,
});
const wait = (what: string, values: string) => ({
  series: `sallyport_queue_seconds_${what}{part="server",namespace="sallyport",pod="s"}`,
  values,
});
const ADAPTER_TEST = {
  rule_files: ['rules.yml'],
  tests: [
    {
      interval: '15s',
      // Ten requests a second that wait 0.2 s each; then none.
      input_series: [
        slots('a', 'busy', '8x40'),
        slots('a', 'free', '2x40'),
        slots('b', 'busy', '0x40'),
        slots('b', 'free', '10x40'),
        wait('count', '0+150x20 3000x20'),
        wait('sum', '0+30x20 600x20'),
      ],
      promql_expr_test: [
        {
          expr: 'sallyport_slots_busy_ratio',
          eval_time: '5m',
          exp_samples: [
            { labels: 'sallyport_slots_busy_ratio{pod="a"}', value: 0.8 },
            { labels: 'sallyport_slots_busy_ratio{pod="b"}', value: 0 },
          ],
        },
        {
          expr: 'round(sallyport_queue_wait_seconds, 0.001)',
          eval_time: '4m',
          exp_samples: [{ labels: '{}', value: 0.2 }],
        },
        {
          expr: 'sallyport_queue_wait_seconds',
          eval_time: '9m',
          exp_samples: [{ labels: 'sallyport_queue_wait_seconds', value: 0 }],
        },
      ],
    },
  ],
};

function defaults() {
  const loaded = loadConfig({ env: {}, overrides: [], cwd: '/' });
  assert.ok(loaded.ok);
  return loaded.config;
}

function portsOf(part: Part): Record<string, number> {
  const { server, entry, client } = defaults();
  if (part === 'server') return { links: server.port, admin: server.admin.port };
  if (part === 'client') return { admin: client.admin.port };
  return { http: entry.port, https: entry.tls.port, admin: entry.admin.port };
}

function configOf(
  resources: readonly Resource[],
  part: Part,
): Readonly<Record<string, { readonly servers?: string[] }>> {
  const volume = podOf(resources, PARTS[part]).volumes!.find(({ name }) => name === 'config')!;
  const files = filesOf(resources, volume.configMap!)!;
  return parse(files[`${part}.yaml`]!.toString()) as Readonly<Record<string, { readonly servers?: string[] }>>;
}

/** The pods of production as processes, each with its own root. */
class Site {
  readonly authority = new TestAuthority();
  readonly #context: TestContext;
  readonly #resources: readonly Resource[];

  constructor(context: TestContext, resources: readonly Resource[]) {
    this.#context = context;
    this.#resources = resources;
    context.after(() => this.authority.remove());
  }

  /** `free`: ports that this machine shall choose; `more`: whom it dials here, where there are no names of pods. */
  start(part: Part, free: readonly string[], more: readonly string[] = []): Command {
    const pod = podOf(this.#resources, PARTS[part]);
    const root = this.#rootOf(pod);
    const words = pod.containers[0]!.args.map((word) => word.replace('/etc/sallyport/', `${root}/etc/sallyport/`));
    const ports = [...free, `${part}.admin.port=0`].flatMap((each) => ['--set', each]);
    const command = new Command([...words, ...more, '--json', ...ports]);
    this.#context.after(async () => {
      command.signal('SIGKILL');
      await command.ended;
    });
    return command;
  }

  #rootOf(pod: Pod): string {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-pod-'));
    this.#context.after(() => rmSync(root, { recursive: true }));
    const { cert, key } = this.authority.issue('localhost', { names: 'DNS:localhost' });
    const made = {
      'tls.crt': Buffer.from(cert),
      'tls.key': Buffer.from(key),
      'ca.crt': readFileSync(this.authority.caFile),
    };
    mount(this.#resources, pod, root, { 'tunnel-server-tls': made, 'proxy-entry-tls': made });
    return root;
  }
}
