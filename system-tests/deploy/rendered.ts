/** The Kubernetes manifests of an overlay, as kustomize renders them, with credentials made by the script beside them. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../harness/command.ts';

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

interface Source {
  readonly name?: string;
  readonly secretName?: string;
  readonly optional?: boolean;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Pod {
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly configMap?: Source; readonly secret?: Source }[];
}

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly spec: Pod };
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[];
  };
}

const KUBERNETES = 'deploy/kubernetes';

export class Rendered {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A copy of the manifests, with credentials; the script is run as it is. */
  static make(): Rendered {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-kubernetes-'));
    const rendered = new Rendered(folder);
    cpSync(join(ROOT, KUBERNETES), join(folder, KUBERNETES), { recursive: true });
    rendered.makeSecrets();
    return rendered;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  makeSecrets(): void {
    const script = join(this.#folder, KUBERNETES, 'secrets/make-secrets.sh');
    const env = { ...process.env, SALLYPORT: join(ROOT, 'node_modules/.bin/sallyport') };
    execFileSync('sh', [script, 'demo'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }

  text(overlay: string): string {
    const path = join(this.#folder, KUBERNETES, 'overlays', overlay);
    return execFileSync('kustomize', ['build', path], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  }

  resources(overlay: string): readonly Resource[] {
    return parseAllDocuments(this.text(overlay)).map((document) => document.toJS() as Resource);
  }
}

/** All that make pods. */
export function workloads(resources: readonly Resource[]): readonly Resource[] {
  return resources.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
}

export function podOf(resources: readonly Resource[], name: string): Pod {
  const found = workloads(resources).find((each) => each.metadata.name === name);
  if (found === undefined) throw new Error(`no pods of ${name}`);
  return found.spec.template.spec;
}

/** Files by name, of a ConfigMap or a Secret; null: it is not among these manifests. */
export function filesOf(resources: readonly Resource[], source: Source): Readonly<Record<string, Buffer>> | null {
  const [kind, name] = source.secretName === undefined ? ['ConfigMap', source.name] : ['Secret', source.secretName];
  const found = resources.find((each) => each.kind === kind && each.metadata.name === name);
  if (found?.data === undefined) return null;
  const encoding = kind === 'Secret' ? 'base64' : 'utf8';
  return Object.fromEntries(Object.entries(found.data).map(([key, text]) => [key, Buffer.from(text, encoding)]));
}

/**
 * Writes what the pod mounts below `root`, as the kubelet would. `elsewhere`: the Secrets that are not among the
 * manifests. A ConfigMap's paths are made to begin at `root`.
 */
export function mount(
  resources: readonly Resource[],
  pod: Pod,
  root: string,
  elsewhere: Readonly<Record<string, Readonly<Record<string, Buffer>>>>,
): void {
  for (const { name, mountPath } of pod.containers[0]!.volumeMounts ?? []) {
    const volume = pod.volumes?.find((each) => each.name === name);
    const source = volume?.configMap ?? volume?.secret;
    if (source === undefined) throw new Error(`nothing to mount for ${name}`);
    const files = filesOf(resources, source) ?? elsewhere[source.secretName ?? ''];
    if (files === undefined) {
      if (source.optional === true) continue;
      throw new Error(`${source.secretName ?? source.name} is nowhere`);
    }
    const items = source.items ?? Object.keys(files).map((key) => ({ key, path: key }));
    for (const { key, path } of items) {
      const file = join(root, mountPath, path);
      mkdirSync(dirname(file), { recursive: true });
      const content = files[key];
      if (content === undefined) throw new Error(`${source.secretName ?? source.name} has no ${key}`);
      writeFileSync(file, volume?.configMap === undefined ? content : rooted(content, root));
    }
  }
}

function rooted(content: Buffer, root: string): string {
  return content.toString().replaceAll('/etc/sallyport/', `${root}/etc/sallyport/`);
}
