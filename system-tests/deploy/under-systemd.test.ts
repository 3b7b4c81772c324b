/** The units under a real systemd, in a container, installed as docs/deploying.md says; where no Docker runs, skipped. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../harness/command.ts';
import { INSTALLED } from './units.ts';

const run = promisify(execFile);
const IMAGE = 'sallyport-test-systemd';
const MACHINE = `${IMAGE}-${process.pid}`;
const BUILD_WITHIN_MS = 240_000;
const STEP_WITHIN_MS = 90_000;
/** What systemd needs of an engine: to mount, to map users, and to say who may call what. */
const RIGHTS =
  '--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt apparmor=unconfined ' +
  '--tmpfs /run --tmpfs /tmp -v /sys/fs/cgroup:/sys/fs/cgroup:rw';

/** Docker may be absent even where every skip is a failure: it cannot be started everywhere. */
function whyNot(): string | false {
  try {
    execFileSync('docker', ['image', 'inspect', 'debian:bookworm-slim'], { stdio: 'ignore', timeout: 20_000 });
    return false;
  } catch {
    return 'no Docker engine with the base image here';
  }
}

const FUNCTIONS = `
set -eu
sallyport() { ${INSTALLED}/node_modules/node/bin/node ${INSTALLED}/apps/cli/bin/sallyport.js "$@"; }
show() { systemctl show -p "$1" --value "$2"; }
until_true() { for i in $(seq 600); do if "$@"; then return 0; fi; sleep 0.1; done; echo "never: $*" >&2; return 1; }
status_is() { [ "$(show StatusText "$1")" = "$2" ]; }
visit() { curl -s -f -o /dev/null -m 30 http://127.0.0.1/session/web/loadtest/get; }
`;

/** docs/deploying.md, but for what this container has not, many descriptors, and a watchdog that a test has the time for. */
const INSTALL = `
cp ${INSTALLED}/deploy/systemd/* /etc/systemd/system/
for unit in sallyport-server sallyport-entry sallyport-client@; do
  mkdir -p /etc/systemd/system/$unit.service.d
  printf '[Service]\\nLimitNOFILE=4096\\n' >/etc/systemd/system/$unit.service.d/here.conf
done
# Of the part that is to stand still alone: the others keep the time that they need to call it dead, on a slow machine too.
echo WatchdogSec=12 >>/etc/systemd/system/sallyport-client@.service.d/here.conf
mkdir -p /etc/sallyport /var/lib/sallyport-server
store=/var/lib/sallyport-server/sallyport-credentials.json
line() { sed -E 's/.*"id":"([^"]*)","secret":"([^"]*)".*/\\1:\\2/'; }
umask 077
sallyport creds add edge --for entry --sessions '*' --store $store --json | line >/etc/sallyport/entry.secret
sallyport creds add web --for client --sessions web --store $store --json | line >/etc/sallyport/client-web.secret
umask 022
echo "server: { credentialStore: $store }" >/etc/sallyport/server.yaml
echo 'entry: { domain: tunnel.example.org, credentialFile: entry.secret }' >/etc/sallyport/entry.yaml
echo "client: { credentialFile: client-web.secret, sessions: [{ id: web, backend: 'http://127.0.0.1:12007' }] }" \\
  >/etc/sallyport/client-web.yaml
`;

/** Not every kernel has access lists on tmpfs, which LoadCredential= with DynamicUser= lives by. */
const WITHOUT_ACCESS_LISTS = `
probe='cat $CREDENTIALS_DIRECTORY/probe'
if ! systemd-run -q --wait -p DynamicUser=yes -p LoadCredential=probe:/etc/sallyport/server.yaml sh -c "$probe" >/dev/null; then
  chmod 644 /etc/sallyport/*.secret
  printf '[Service]\\nLoadCredential=\\nEnvironment=SALLYPORT_ENTRY_CREDENTIAL_FILE=/etc/sallyport/entry.secret\\n' \\
    >/etc/systemd/system/sallyport-entry.service.d/acl.conf
  printf '[Service]\\nLoadCredential=\\nEnvironment=SALLYPORT_CLIENT_CREDENTIAL_FILE=/etc/sallyport/client-web.secret\\n' \\
    >/etc/systemd/system/sallyport-client@.service.d/acl.conf
  echo without LoadCredential
fi
`;

const START = `
systemctl daemon-reload
systemctl start sallyport-entry-http.socket
systemd-run -q --unit=backend ${INSTALLED}/node_modules/node/bin/node ${INSTALLED}/apps/cli/bin/sallyport.js backend
systemctl start sallyport-server sallyport-entry sallyport-client@web
for unit in sallyport-server sallyport-entry sallyport-client@web; do until_true status_is $unit ready; done
until_true visit
`;

const CREDENTIALS = `
sallyport creds add more --for client --sessions more --store /var/lib/sallyport-server/sallyport-credentials.json >/dev/null
owner=$(stat -L -c %u /var/lib/sallyport-server)
[ "$owner" != 0 ]
stat -c %u /var/lib/sallyport-server/* | sort -u | grep -qx "$owner"
`;

/** As the runbooks have it, by root: it fails where something is not in order, and does not make a store. */
const LOOK = `
for part in server entry client-web; do sallyport doctor --config /etc/sallyport/$part.yaml >/tmp/doctor || cat /tmp/doctor; done
sallyport creds list --config /etc/sallyport/server.yaml | grep -c active
`;

const RELOAD = `
echo 'entry: { domain: other.example.org, credentialFile: entry.secret }' >/etc/sallyport/entry.yaml
systemctl reload sallyport-entry
reloaded() { journalctl -u sallyport-entry --no-pager -o cat | grep -q '"changed":\\["entry.domain"\\]'; }
until_true reloaded
systemctl is-active sallyport-entry
`;

const RESTART = `
(while [ ! -e /tmp/enough ]; do visit || echo failed; done; touch /tmp/ended) >/tmp/failures &
for i in 1 2; do sleep 1; systemctl restart sallyport-entry; done
visit
touch /tmp/enough
until_true test -e /tmp/ended
cat /tmp/failures
`;

const STANDING_STILL = `
kill -STOP $(show MainPID sallyport-client@web)
restarted() { [ "$(show NRestarts sallyport-client@web)" -gt 0 ]; }
until_true restarted
until_true visit
for unit in sallyport-server sallyport-entry sallyport-client@web; do echo "$unit $(show NRestarts $unit)"; done
`;

const REFUSED = `
echo 'entry: { prot: 1 }' >/etc/sallyport/entry.yaml
systemctl restart sallyport-entry || true
echo "$(show Result sallyport-entry) $(show ExecMainStatus sallyport-entry) $(show NRestarts sallyport-entry)"
`;

function inside(...words: string[]): Promise<{ stdout: string }> {
  return run('docker', ['exec', MACHINE, ...words], { timeout: STEP_WITHIN_MS });
}

/** What it printed; with the journal where it failed. */
async function at(script: string): Promise<string> {
  try {
    return (await inside('bash', '-c', FUNCTIONS + script)).stdout.trim();
  } catch (error) {
    const journal = await inside('journalctl', '--no-pager', '-n', '40');
    throw new Error(journal.stdout, { cause: error });
  }
}

describe('under systemd', { skip: whyNot() }, () => {
  it('the parts start, serve, reload, hand the port on, are watched, and stay ended when refused', async (t) => {
    await run('docker', ['build', '-q', '-t', IMAGE, join(import.meta.dirname, 'systemd-image')], {
      timeout: BUILD_WITHIN_MS,
    });
    t.after(() => run('docker', ['rm', '-f', MACHINE]));
    await run('docker', ['run', '-d', '--name', MACHINE, ...RIGHTS.split(' '), '-v', `${ROOT}:${INSTALLED}:ro`, IMAGE]);
    await at('until_true systemctl is-active -q multi-user.target');
    await at(INSTALL);
    t.diagnostic((await at(WITHOUT_ACCESS_LISTS)) || 'with LoadCredential');
    await at(START);
    await at(CREDENTIALS);
    assert.equal(await at(LOOK), '3');
    assert.equal(await at(RELOAD), 'active');
    assert.equal(await at(RESTART), '', 'requests that failed while the entry was restarted');
    const restarts = 'sallyport-server 0\nsallyport-entry 0\nsallyport-client@web 1';
    assert.equal(await at(STANDING_STILL), restarts);
    assert.equal(await at(REFUSED), 'exit-code 2 0');
  });
});
