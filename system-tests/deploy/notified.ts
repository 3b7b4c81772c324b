/** The socket that systemd would be told at: a real AF_UNIX datagram socket, which Node has not, held by Python. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { within } from '../harness/deadline.ts';
import { PYTHON } from '../harness/needs.ts';

/** A line of JSON for each datagram. What comes beside it (BARRIER=1 has a pipe with it) is closed by the kernel. */
const RECEIVER = `
import json, socket, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
print(json.dumps(["BOUND"]), flush=True)
while True:
    print(json.dumps(notify.recv(65536).decode().splitlines()), flush=True)
`;
/** On a machine that has much else to do. */
const TOLD_WITHIN_MS = 60_000;

export class Notified {
  /** For the process that tells. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that was told so far, without the barriers. */
  readonly told: string[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(socket: string, watchdogMs: number) {
    this.environment = {
      NOTIFY_SOCKET: socket,
      ...(watchdogMs === 0 ? {} : { WATCHDOG_USEC: String(watchdogMs * 1_000), WATCHDOG_PID: '1' }),
    };
  }

  /** `watchdogMs`: 0, no watchdog. Ended when the test ends. */
  static async listen(context: TestContext, watchdogMs = 0): Promise<Notified> {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-notify-'));
    const socket = join(folder, 'notify');
    const notified = new Notified(socket, watchdogMs);
    const child = spawn(PYTHON, ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    context.after(async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    });
    createInterface({ input: child.stdout }).on('line', (line) => notified.#take(JSON.parse(line) as string[]));
    await notified.next((each) => each === 'BOUND', 0);
    notified.told.length = 0;
    return notified;
  }

  /** The index behind the first assignment that fits, among those from `from` on; the next to come by default. */
  async next(fits: (assignment: string) => boolean, from: number = this.told.length): Promise<number> {
    const come = new Promise<number>((resolve) => {
      const look = () => {
        const index = this.told.findIndex((each, i) => i >= from && fits(each));
        if (index === -1) return;
        this.#waiting.delete(look);
        resolve(index + 1);
      };
      this.#waiting.add(look);
      look();
    });
    return within(come, () => `systemd to be told; it was told ${JSON.stringify(this.told)}`, TOLD_WITHIN_MS);
  }

  #take(assignments: readonly string[]): void {
    this.told.push(...assignments.filter((each) => each !== 'BARRIER=1'));
    for (const look of this.#waiting) look();
  }
}
