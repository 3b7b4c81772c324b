/**
 * What systemd is told of a service (sd_notify(3)): that it serves, its state in words, and its watchdog, which is fed
 * only while the event loop turns and the links that are there are seen to carry data. Nothing at all happens where
 * NOTIFY_SOCKET is not set.
 *
 * Node has no datagram sockets of the AF_UNIX kind, so `systemd-notify` is run, which is wherever systemd is; the unit
 * says `NotifyAccess=all`. A shell that is started with the service runs it: to fork from a process of 700 MB stops its
 * event loop for some 14 ms, from the shell for nothing.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Environment } from '@sallyport/config';
import type { Readiness } from '@sallyport/telemetry';

/** What of a service is looked at; without the two it has nothing more to tell than that it serves. */
export interface Supervised {
  readiness?(): Readiness;
  isPathProved?(): boolean;
}

/** Each resolves when systemd was told, and never rejects. */
export interface Supervisor {
  /** It serves, for the first time or again behind `reloading`. */
  ready(): Promise<void>;
  reloading(): Promise<void>;
  /** It drains; nothing is told any more. */
  stopping(): Promise<void>;
}

/** Between two looks at the service; a watchdog of under eight seconds is looked after more often. */
const LOOK_MS = 1_000;
const LOOKS_PER_WATCHDOG = 8;
const TELL_TIMEOUT_MS = 10_000;
/** A look waits until all is told, and the rest is few: only a systemd that hangs for seconds makes them more. */
const WAITING_LIMIT = 8;
const US_PER_MS = 1_000;
const NS_PER_US = 1_000n;
const DONE = Promise.resolve();
const NOT_PROVED = 'no canary comes back on any link: the watchdog is not fed';

/** `note`: for people, once, when systemd cannot be told. */
export function superviseBySystemd(
  service: Supervised,
  env: Environment,
  note: (text: string) => void,
): Supervisor | null {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return null;
  // WATCHDOG_PID is not looked at: a launcher may stand between systemd and this process.
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / US_PER_MS;
  return new Notifier(service, new Teller({ NOTIFY_SOCKET: socket, PATH: env['PATH'] }, note), watchdogMs);
}

class Notifier implements Supervisor {
  readonly #service: Supervised;
  readonly #teller: Teller;
  /** 0: there is no watchdog. */
  readonly #watchdogMs: number;
  /** Those under way: systemd hears of the first that begins and the last that ends. */
  #reloads = 0;
  #status = '';
  #fedMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(service: Supervised, teller: Teller, watchdogMs: number) {
    this.#service = service;
    this.#teller = teller;
    this.#watchdogMs = watchdogMs;
  }

  ready(): Promise<void> {
    if (this.#reloads > 0) this.#reloads -= 1;
    if (this.#reloads > 0) return DONE;
    const lookMs = this.#watchdogMs === 0 ? LOOK_MS : Math.min(LOOK_MS, this.#watchdogMs / LOOKS_PER_WATCHDOG);
    this.#timer ??= setInterval(this.#look, lookMs).unref();
    this.#status = statusOf(this.#service);
    return this.#teller.tell('READY=1', `STATUS=${this.#status}`);
  }

  reloading(): Promise<void> {
    this.#reloads += 1;
    if (this.#reloads > 1) return DONE;
    return this.#teller.tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / NS_PER_US}`);
  }

  async stopping(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#teller.tell('STOPPING=1', 'STATUS=draining: what runs is finished first');
    this.#teller.end();
  }

  readonly #look = (): void => {
    if (this.#teller.isTelling) return;
    const news: string[] = [];
    const isProved = this.#service.isPathProved?.() ?? true;
    const status = isProved ? statusOf(this.#service) : NOT_PROVED;
    if (status !== this.#status) news.push(`STATUS=${status}`);
    if (isProved && this.#isHungry()) {
      this.#fedMs = performance.now();
      news.push('WATCHDOG=1');
    }
    this.#status = status;
    const [first, second] = news;
    if (first !== undefined) void this.#teller.tell(first, second);
  };

  /** Fed at half time; where nothing was proved then, at the first look that finds it proved. */
  #isHungry(): boolean {
    return this.#watchdogMs > 0 && performance.now() - this.#fedMs >= this.#watchdogMs / 2;
  }
}

/** As /readyz has it, in one line. */
function statusOf(service: Supervised): string {
  const readiness = service.readiness?.();
  if (readiness === undefined) return 'serving';
  const { ok, checks } = readiness;
  if (ok) return 'ready';
  const missing = Object.entries(checks).flatMap(([name, check]) =>
    check.ok ? [] : [`${name}: ${check.detail ?? ''}`],
  );
  return `not ready: ${missing.join('; ')}`.replaceAll(/\s+/g, ' ');
}

/** A signal that is for all processes of the service, as SIGTERM is, must not end it before it has told. */
const SHELL = `trap '' TERM INT
while IFS='\t' read -r first second; do
  systemd-notify "$first" \${second:+"$second"}
  echo $?
done`;

/** Tells one message after the other. The environment is `env` alone: no secret goes on. */
class Teller {
  readonly #note: (text: string) => void;
  readonly #shell: ChildProcess;
  /** Messages that are not told yet; their limit is WAITING_LIMIT, beyond which nothing is told. */
  readonly #waiting: (() => void)[] = [];
  #hasFailed = false;

  constructor(env: NodeJS.ProcessEnv, note: (text: string) => void) {
    this.#note = note;
    // What systemd-notify has to complain about is for the journal.
    this.#shell = spawn('sh', ['-c', SHELL], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdin, stdout } = this.#shell;
    this.#shell.on('error', this.#onGone);
    this.#shell.on('close', this.#onGone);
    // It is gone, which is heard of.
    stdin!.on('error', () => {});
    createInterface({ input: stdout! }).on('line', (status) => {
      if (status !== '0') this.#failed();
      this.#waiting.shift()?.();
    });
    for (const each of [this.#shell, stdin as Socket, stdout as Socket]) each.unref();
  }

  get isTelling(): boolean {
    return this.#waiting.length > 0;
  }

  async tell(first: string, second = ''): Promise<void> {
    if (this.#shell.stdin?.writable !== true || this.#waiting.length >= WAITING_LIMIT) return;
    const told = new Promise<void>((resolve) => this.#waiting.push(resolve));
    const timer = setTimeout(() => this.#shell.kill('SIGKILL'), TELL_TIMEOUT_MS);
    this.#shell.stdin.write(`${first}\t${second}\n`);
    await told;
    clearTimeout(timer);
  }

  end(): void {
    this.#shell.stdin?.end();
  }

  readonly #onGone = (): void => {
    if (this.#shell.stdin?.writableEnded !== true) this.#failed();
    for (const resolve of this.#waiting.splice(0)) resolve();
  };

  #failed(): void {
    if (!this.#hasFailed) this.#note('systemd cannot be told; install systemd-notify, or use Type=exec in the unit');
    this.#hasFailed = true;
  }
}
