/** docker-compose.yml and the Dockerfile, read as files: what holds of every container without a Docker engine. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { LEAVES, OTHER_VARIABLES } from '@sallyport/config';

const ROOT = join(import.meta.dirname, '../..');
const MS_PER_S = 1000;

interface Service {
  readonly build?: { readonly target: string };
  readonly image: string;
  readonly init?: boolean;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly stop_grace_period?: string;
  readonly logging?: { readonly options?: { readonly 'max-size'?: string } };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly privileged?: boolean;
}

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
};
const all = Object.entries(services);

describe('docker-compose.yml', () => {
  it('has every container hardened and limited', () => {
    for (const [name, service] of all) {
      assert.equal(service.init, true, `${name}: init`);
      assert.equal(service.read_only, true, `${name}: read_only`);
      assert.deepEqual(service.cap_drop, ['ALL'], `${name}: cap_drop`);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], `${name}: security_opt`);
      assert.match(service.mem_limit ?? '', /^\d+[mg]$/, `${name}: mem_limit`);
      assert((service.pids_limit ?? 0) > 0, `${name}: pids_limit`);
      assert(service.logging?.options?.['max-size'] !== undefined, `${name}: log files without end`);
      assert.equal(service.privileged, undefined, `${name}: privileged`);
    }
  });

  it('publishes ports on loopback alone, each once', () => {
    const ports = all.flatMap(([, service]) => service.ports ?? []);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const ofHost = ports.map((port) => port.split(':')[1]);
    assert.equal(new Set(ofHost).size, ofHost.length, ofHost.join(', '));
  });

  it('waits longer for an end than a part drains', () => {
    const drains = LEAVES.filter(({ path }) => path.endsWith('.drainTimeoutMs'));
    const longestMs = Math.max(...drains.map(({ schema }) => Number(schema.default)));
    assert(longestMs > 0);
    for (const [name, { stop_grace_period: grace = '' }] of all) {
      const seconds = /^(\d+)s$/.exec(grace)?.[1];
      assert(Number(seconds) * MS_PER_S > longestMs, `${name}: ${grace}`);
    }
  });

  it('builds each image of ours once, by the first service that runs it, and pins those of others', () => {
    const targets = new Set([...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map((match) => match[1]));
    const built = new Set<string>();
    for (const [name, { build, image }] of all) {
      if (build !== undefined) {
        assert(targets.has(build.target), `${name}: no target ${build.target}`);
        assert.equal(image, `sallyport/${build.target}`, name);
        assert(!built.has(image), `${name} builds ${image} once more`);
        built.add(image);
      } else if (!built.has(image)) assert.match(image, /:v?\d+\.\d+\.\d+$/, `${name}: ${image}`);
    }
  });

  it('mounts what is in the repository, or is made at the first run', () => {
    const folders = all.flatMap(([, service]) => service.volumes ?? []).filter((volume) => volume.startsWith('./'));
    for (const folder of new Set(folders.map((volume) => volume.split(':')[0]!))) {
      assert(folder === './results' || existsSync(join(ROOT, folder)), folder);
    }
  });

  it('sets what is a setting', () => {
    const known = new Set([...LEAVES.map((leaf) => leaf.variable), ...OTHER_VARIABLES]);
    const set = [
      ...all.flatMap(([, service]) => Object.keys(service.environment ?? {})),
      ...[...dockerfile.matchAll(/^ENV (\w+)=/gm)].map((match) => match[1]!),
    ].filter((variable) => variable.startsWith('SALLYPORT_'));
    assert.deepEqual(
      set.filter((variable) => !known.has(variable)),
      [],
    );
  });
});

describe('the Dockerfile', () => {
  it('labels the images with the version of the command', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'apps/cli/package.json'), 'utf8')) as { version: string };
    assert.match(dockerfile, new RegExp(`image\\.version="${version.replaceAll('.', '\\.')}"`));
  });

  it('ends every image with a user that is not root, by number', () => {
    const stages = dockerfile.split(/^FROM /m).slice(1);
    const users = new Map<string, string>();
    for (const stage of stages) {
      const [, base, name] = /^(\S+) AS (\S+)/.exec(stage)!;
      const user = [...stage.matchAll(/^USER (\S+)$/gm)].at(-1)?.[1] ?? users.get(base!) ?? 'root';
      users.set(name!, user);
    }
    for (const [name, { build }] of all) {
      if (build !== undefined) assert.match(users.get(build.target) ?? '', /^[1-9]\d*:[1-9]\d*$/, name);
    }
  });
});
