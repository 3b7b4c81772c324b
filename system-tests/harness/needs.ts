/** Tools that a test needs and a machine may lack. */
import { execFileSync } from 'node:child_process';

const PROBES = {
  httpbin: ['gunicorn', ['--check-config', '-k', 'gevent', 'httpbin:app']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

const HOW_TO_GET = {
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
