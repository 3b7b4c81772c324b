/** Images made here in the place of those that are pulled elsewhere: the same program behind the same command line. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { docker } from './compose.ts';

const PROGRAMS = {
  k6: 'FROM debian:bookworm-slim\nCOPY k6 /usr/bin/\nUSER 12345\nENTRYPOINT ["k6"]\n',
  // `wget` is what the health check of the compose file asks with.
  prometheus: `FROM debian:bookworm-slim
COPY prometheus wget /bin/
RUN install -d -o 65534 -g 65534 /prometheus
USER 65534
ENTRYPOINT ["/bin/prometheus"]
`,
} as const;

const WGET = `#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/9090" && printf 'GET /-/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ "$status" = 200 ]
`;

/** Builds `tag` around the program of this machine. False: there is none, and that is no failure here. */
export async function buildStandIn(program: keyof typeof PROGRAMS, tag: string, folder: string): Promise<boolean> {
  const path = whichOf(program);
  if (path === null) return false;
  const context = join(folder, program);
  mkdirSync(context);
  copyFileSync(path, join(context, program));
  writeFileSync(join(context, 'wget'), WGET, { mode: 0o755 });
  writeFileSync(join(context, 'Dockerfile'), PROGRAMS[program]);
  await docker('build', '-t', tag, context);
  return true;
}

/** All that were built with tags of this repository name. */
export async function removeStandIns(repository: string): Promise<void> {
  const tags = await docker('image', 'ls', '--format', '{{.Repository}}', '--filter', `reference=${repository}/*`);
  if (tags !== '') await docker('rmi', ...tags.split('\n'));
}

/** Null where it is not installed; an error where everything is said to be. */
function whichOf(program: string): string | null {
  try {
    return execFileSync('which', [program], { encoding: 'utf8' }).trim();
  } catch {
    if (process.env['SALLYPORT_NO_SKIP'] === '1') throw new Error(`${program} is not installed`);
    return null;
  }
}
