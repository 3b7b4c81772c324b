/** A listening socket that is handed on, as systemd does it for sallyport-entry-http.socket. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { TestAuthority } from '../../apps/proxy-entry/src/testing/authority.ts';
import { MAIN } from '../harness/command.ts';
import { within } from '../harness/deadline.ts';
import { isReady } from '../harness/deployment.ts';
import { Load } from '../harness/load.ts';
import { PYTHON } from '../harness/needs.ts';
import { Machine } from './machine.ts';
import { visitTls } from './visit-tls.ts';

/** Holds a socket for each name; the process that they are handed to is replaced with each line on standard input. */
const HOLDER = `
import json, os, signal, socket, sys
held = [socket.create_server(("127.0.0.1", 0), backlog=512) for name in sys.argv[1].split(":")]
print(json.dumps({"event": "held", "ports": [each.getsockname()[1] for each in held]}), flush=True)
def start():
    pid = os.fork()
    if pid > 0:
        return pid
    for i, each in enumerate(held):
        os.dup2(each.fileno(), 3 + i)
        os.set_inheritable(3 + i, True)
    os.environ.update(LISTEN_FDS=str(len(held)), LISTEN_FDNAMES=sys.argv[1], LISTEN_PID=str(os.getpid()))
    os.execv(sys.argv[2], sys.argv[2:])
def end(pid):
    os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
pid = start()
for line in sys.stdin:
    code = end(pid)
    pid = start()
    print(json.dumps({"event": "replaced", "code": code}), flush=True)
print(json.dumps({"event": "ended", "code": end(pid)}), flush=True)
`;
const ENTRY_WITHIN_MS = 60_000;
/** An entry that was just started has its visitors wait for its uplink, on a machine that is held up as well. */
const HANG_MS = 60_000;

interface Said {
  readonly event: string;
  readonly ports?: readonly number[];
  readonly code?: number;
  readonly admin?: string;
  readonly url?: string;
  readonly tls?: string;
}

describe('a listening socket that is handed on', () => {
  it('outlives the entry: three restarts under load, and no request fails', async (t) => {
    const machine = await Machine.make(t);
    await machine.configure('server', {});
    const { url } = await machine.start('server').event<{ url: string }>('ready');
    const direct = await machine.startBackend().event<{ url: string }>('ready');
    const sessions = [{ id: 'demo', backend: direct.url }];
    await machine.configure('client', { client: { servers: [url], sessions } });
    await machine.start('client').event('ready');
    // No port of its own that it could fall back on: 1 is nobody's.
    const own = { port: 1, servers: [url], sessionSyncTimeoutMs: HANG_MS };
    await machine.configure('entry', { entry: own, log: { accessLog: false } });
    const holder = new Holder('http', machine);
    const [port] = (await holder.said('held')).ports!;
    await isReady((await holder.said('ready')).admin!);
    await using load = new Load(`http://127.0.0.1:${port}/session/demo/`, 8, HANG_MS);
    for (let restart = 0; restart < 3; restart += 1) {
      await within(load.more(100), 'requests between two restarts', ENTRY_WITHIN_MS);
      holder.replace();
      assert.equal((await holder.said('replaced')).code, 0);
    }
    await within(load.more(100), 'requests after the last restart', ENTRY_WITHIN_MS);
    const outcomes = await load.stop();
    assert.deepEqual(
      outcomes.filter(({ end, status }) => end !== 'answer' || status !== 200),
      [],
    );
    assert.equal((await holder.close()).code, 0);
  });

  it('is one for each port, with TLS as well', async (t) => {
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const made = authority.issue('localhost', { names: 'DNS:localhost' });
    const machine = await Machine.make(t);
    const certificates = join(machine.etc, 'certificates');
    await mkdir(certificates);
    await copyFile(made.certFile, join(certificates, 'localhost.crt'));
    await copyFile(made.keyFile, join(certificates, 'localhost.key'));
    const tls = { certificates, port: 2 };
    await machine.configure('entry', {
      entry: { port: 1, servers: ['ws://127.0.0.1:1'], sessionSyncTimeoutMs: 0, tls },
    });
    const holder = new Holder('https:http', machine);
    const [secure, plain] = (await holder.said('held')).ports!;
    const { url, tls: tlsUrl } = await holder.said('ready');
    assert.deepEqual([url, tlsUrl], [`http://127.0.0.1:${plain}`, `https://127.0.0.1:${secure}`]);
    const path = '/session/demo/';
    assert.equal((await visitTls(`https://localhost:${secure}${path}`, authority.caFile)).status, 503);
    assert.equal((await fetch(`http://127.0.0.1:${plain}${path}`)).status, 503);
    assert.equal((await holder.close()).code, 0);
  });

  it('of a name that is not http or https is refused in one line, which says how to fix it', async (t) => {
    const machine = await Machine.make(t);
    await machine.configure('entry', { entry: { servers: ['ws://127.0.0.1:1'] } });
    const holder = new Holder('smtp', machine);
    const { message } = (await holder.said('error')) as Said & { message: string };
    assert.equal(
      message,
      'a socket named smtp was handed on; hand on one for each port that is configured, named http or https (FileDescriptorName=)',
    );
  });

  it('for https where there is no TLS is refused as well, since nobody would answer there', async (t) => {
    const machine = await Machine.make(t);
    await machine.configure('entry', { entry: { servers: ['ws://127.0.0.1:1'] } });
    const holder = new Holder('https', machine);
    const { message } = (await holder.said('error')) as Said & { message: string };
    assert.match(message, /^a socket for https, but there is no TLS here; /);
  });
});

class Holder {
  readonly #child;
  readonly #said: Said[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(name: string, machine: Machine) {
    const program = [process.execPath, ...MAIN, ...machine.argumentsOf('entry'), '--json'];
    const child = spawn(PYTHON, ['-c', HOLDER, name, ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...machine.environmentOf('entry') },
      detached: true,
    });
    this.#child = child;
    const ended = once(child, 'close');
    // With all that it has started.
    machine.owns(() => {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // It has ended.
      }
      return ended;
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#said.push(JSON.parse(line) as Said);
      for (const look of this.#waiting) look();
    });
  }

  /** The next event of this name that nobody has waited for. */
  async said(event: string): Promise<Said> {
    const come = new Promise<Said>((resolve) => {
      const look = () => {
        const index = this.#said.findIndex((each) => each.event === event);
        if (index === -1) return;
        this.#waiting.delete(look);
        resolve(this.#said.splice(index, 1)[0]!);
      };
      this.#waiting.add(look);
      look();
    });
    return within(come, `"${event}"`, ENTRY_WITHIN_MS);
  }

  replace(): void {
    this.#child.stdin.write('\n');
  }

  async close(): Promise<Said> {
    this.#child.stdin.end();
    return this.said('ended');
  }
}
