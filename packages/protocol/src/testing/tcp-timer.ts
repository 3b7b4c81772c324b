/** What the kernel waits for on a connection, as Linux shows it (proc(5), /proc/net/tcp). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const KEEP_ALIVE = 2;
const TICKS_PER_S = 100;

/** Asserts that the kernel probes the peer of the connection between these ports, at the first of them, within 30 s. */
export function assertKeptAlive(localPort: number, remotePort: number): void {
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const row = rows
    .map((each) => each.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(inHex(localPort)) && remote?.endsWith(inHex(remotePort)));
  assert.ok(row !== undefined, `no connection from ${remotePort} to ${localPort}`);
  const [kind, when] = row[5]!.split(':');
  const inTicks = Number.parseInt(when!, 16);
  assert.equal(Number.parseInt(kind!, 16), KEEP_ALIVE);
  assert.ok(inTicks > 0 && inTicks <= 30 * TICKS_PER_S, `${inTicks}`);
}

function inHex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}
