/** A context for doctor's checks, and servers for them to find. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { TestContext } from 'node:test';
import { loadConfig } from '@sallyport/config';
import type { Environment } from '@sallyport/config';
import type { DoctorContext } from '../doctor/context.ts';
import type { Finding } from '../doctor/finding.ts';
import type { RunningPart } from '../doctor/running.ts';

export interface Given {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly env?: Environment;
  readonly target?: string;
  readonly admin?: readonly string[];
  readonly authorization?: string | null;
  readonly timeoutMs?: number;
  /** Wall clock. */
  readonly nowMs?: () => number;
}

/** For what never comes: a busy machine is none that does not answer. */
const STEP_TIMEOUT_MS = 30_000;

export function contextOf({
  set = {},
  env = {},
  target,
  admin = [],
  authorization = null,
  timeoutMs = STEP_TIMEOUT_MS,
  nowMs = Date.now,
}: Given): DoctorContext {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value }));
  const loaded = loadConfig({ env: {}, overrides, cwd: '/nowhere' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const url = target === undefined ? null : new URL(target);
  const ports = { urls: admin.map((each) => new URL(each)), authorization };
  return { settings: loaded, problems: [], env, target: url, admin: ports, timeoutMs, nowMs };
}

/** `ok server`, `fail link` … */
export function verdicts(findings: readonly Finding[]): string[] {
  return findings.map(({ status, check }) => `${status} ${check}`);
}

/** The port that `server` took on 127.0.0.1; it is closed when the test ends. */
export async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  t.after(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export function httpServer(t: TestContext, listener: RequestListener): Promise<number> {
  return listening(t, createServer(listener));
}

/** A running part that has nothing to tell. */
export const SILENT_PART: RunningPart = {
  part: 'entry',
  where: 'entry at http://127.0.0.1:12003',
  readiness: { checks: { accepting: { ok: true } } },
  before: [],
  after: [],
  apartS: 1,
  sessions: [],
  links: [],
  servers: [],
  offersBefore: [],
  offers: [],
};
