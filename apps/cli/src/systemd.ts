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
const US_PER_MS = 1_000;
const NS_PER_US = 1_000n;
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

/** What is told together; the second may be empty. */
type Message = readonly [first: string, second: string];

/** What is to be told is kept as a state, not as a queue: however often it changes while systemd is slow, the last is told. */
class Notifier implements Supervisor {
  readonly #service: Supervised;
  readonly #teller: Teller;
  /** 0: there is no watchdog. */
  readonly #watchdogMs: number;
  /** Those under way: systemd hears of the first that begins and the last that ends. */
  #reloads = 0;
  /** When the reload began that is not told of yet; systemd wants it to be behind its signal. */
  #reloadUs: bigint | null = null;
  #isReadyUntold = false;
  #isStoppingUntold = false;
  /** What the last look found. */
  #news: Message | null = null;
  #isTelling = false;
  #told = Promise.resolve();
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
    const lookMs = this.#watchdogMs === 0 ? LOOK_MS : Math.min(LOOK_MS, this.#watchdogMs / LOOKS_PER_WATCHDOG);
    this.#timer ??= setInterval(this.#look, lookMs).unref();
    this.#isReadyUntold = true;
    return this.#tell();
  }

  reloading(): Promise<void> {
    this.#reloads += 1;
    if (this.#reloads === 1) this.#reloadUs = process.hrtime.bigint() / NS_PER_US;
    return this.#tell();
  }

  async stopping(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#isStoppingUntold = true;
    await this.#tell();
    this.#teller.end();
  }

  /** Resolves when nothing is left to tell. */
  #tell(): Promise<void> {
    if (!this.#isTelling) this.#told = this.#tellAll();
    return this.#told;
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    for (let next = this.#next(); next !== null; next = this.#next()) await this.#teller.tell(...next);
    this.#isTelling = false;
  }

  /** Null: all is told. A reload is told of before its end, although that may be known by now. */
  #next(): Message | null {
    if (this.#reloadUs !== null) {
      const beganUs = this.#reloadUs;
      this.#reloadUs = null;
      return ['RELOADING=1', `MONOTONIC_USEC=${beganUs}`];
    }
    if (this.#isReadyUntold && this.#reloads === 0) {
      this.#isReadyUntold = false;
      this.#status = statusOf(this.#service);
      return ['READY=1', `STATUS=${this.#status}`];
    }
    const news = this.#news;
    this.#news = null;
    if (!this.#isStoppingUntold) return news;
    this.#isStoppingUntold = false;
    return ['STOPPING=1', 'STATUS=draining: what runs is finished first'];
  }

  readonly #look = (): void => {
    if (this.#isTelling) return;
    const news: string[] = [];
    const isProved = this.#service.isPathProved?.() ?? true;
    const status = isProved ? statusOf(this.#service) : NOT_PROVED;
    if (status !== this.#status) news.push(`STATUS=${status}`);
    if (isProved && this.#isHungry()) {
      this.#fedMs = performance.now();
      news.push('WATCHDOG=1');
    }
    this.#status = status;
    const [first, second = ''] = news;
    if (first === undefined) return;
    this.#news = [first, second];
    void this.#tell();
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

/** Tells one message at a time. The environment is `env` alone: no secret goes on. */
class Teller {
  readonly #note: (text: string) => void;
  readonly #shell: ChildProcess;
  /** Null: nothing is being told. */
  #onTold: (() => void) | null = null;
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
      this.#onTold?.();
    });
    for (const each of [this.#shell, stdin as Socket, stdout as Socket]) each.unref();
  }

  /** Not while another is told. Resolves when that is done, or cannot be. */
  async tell(first: string, second: string): Promise<void> {
    if (this.#shell.stdin?.writable !== true) return;
    const told = new Promise<void>((resolve) => (this.#onTold = resolve));
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
    this.#onTold?.();
  };

  #failed(): void {
    if (!this.#hasFailed) this.#note('systemd cannot be told; install systemd-notify, or use Type=exec in the unit');
    this.#hasFailed = true;
  }
}
