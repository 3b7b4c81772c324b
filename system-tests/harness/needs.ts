/** Tools that a test needs and a machine may lack. */
import { execFileSync } from 'node:child_process';

/** Debian's own, where Debian's packages are. */
export const PYTHON = '/usr/bin/python3';
export const CHROMIUM = process.env['SALLYPORT_CHROMIUM'] ?? '/usr/bin/chromium';

const PROBES = {
  chromium: [CHROMIUM, ['--version']],
  curl: ['curl', ['--version']],
  git: ['git', ['--version']],
  h2load: ['h2load', ['--version']],
  httpx: [PYTHON, ['-c', 'import h2, httpx']],
  kubernetesValidate: ['kubernetes-validate', ['--help']],
  kustomize: ['kustomize', ['version']],
  nghttp: ['nghttp', ['--version']],
  prometheus: ['prometheus', ['--version']],
  promtool: ['promtool', ['--version']],
  requests: [PYTHON, ['-c', 'import requests']],
  systemd: ['systemd-notify', ['--version']],
  tinyproxy: ['tinyproxy', ['-v']],
  httpbin: ['gunicorn', ['--check-config', '-k', 'gevent', 'httpbin:app']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

const HOW_TO_GET = {
  chromium: 'apt-get install chromium',
  curl: 'apt-get install curl',
  git: 'apt-get install git',
  h2load: 'apt-get install nghttp2-client',
  httpx: 'apt-get install python3-httpx python3-h2',
  kubernetesValidate: 'pip install kubernetes-validate',
  kustomize: 'go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1',
  nghttp: 'apt-get install nghttp2-client',
  prometheus: 'apt-get install prometheus',
  promtool: 'apt-get install prometheus',
  requests: 'apt-get install python3-requests',
  systemd: 'apt-get install systemd',
  tinyproxy: 'apt-get install tinyproxy',
  httpbin: 'apt-get install python3-httpbin gunicorn python3-gevent',
} as const satisfies Record<keyof typeof PROBES, string>;

/**
 * For `describe` and `it`: skips by name what cannot run here; where `SALLYPORT_NO_SKIP=1` says that everything is
 * installed, it throws instead, so that nothing is left out unnoticed.
 */
export function needs(tool: keyof typeof PROBES): { skip?: string } {
  const [command, args] = PROBES[tool];
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 20_000 });
    return {};
  } catch {
    const how = `${tool} is not installed (${HOW_TO_GET[tool]})`;
    if (process.env['SALLYPORT_NO_SKIP'] === '1') throw new Error(how);
    return { skip: how };
  }
}
