/** Ports with TLS and a test on both their sides: visitors by node:tls in front, exchanges behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { TestContext } from 'node:test';
import { loadConfig } from '@sallyport/config';
import { createLogger, createTelemetry } from '@sallyport/telemetry';
import { parseScrape } from '../../../../packages/telemetry/src/testing.ts';
import { TlsMaterial } from '../tls/material.ts';
import type { TlsConfig } from '../tls/material.ts';
import type { ListenOptions } from '../visitor/listen.ts';
import { certificateFolder, TestAuthority } from './authority.ts';
import { listenVisitors, Visitor } from './visitors.ts';
import type { VisitorBench } from './visitors.ts';

export interface TlsBench extends VisitorBench {
  readonly port: number;
  readonly material: TlsMaterial;
  /** What was logged so far. */
  readonly log: () => string;
  /** Of all metrics. */
  readonly metric: (series: string) => Promise<number>;
  /** A handshake for `name`; rejects where it fails. Who verifies nothing can be told the wrong thing, so it is verified. */
  readonly secure: (name: string, options?: ConnectionOptions) => Promise<Visitor & { readonly socket: TLSSocket }>;
}

/** An authority for the tests of one file; `remove` it behind them. */
export function newAuthority(): { authority: TestAuthority; folder: string } {
  const authority = new TestAuthority();
  return { authority, folder: certificateFolder(authority) };
}

export function tlsConfig(set: Partial<TlsConfig>): TlsConfig {
  const loaded = loadConfig({ env: {}, overrides: [], cwd: '/nowhere' });
  assert.ok(loaded.ok);
  return { ...loaded.config.entry.tls, port: 0, handshakeTimeoutMs: 60_000, ...set };
}

/** `nowMs`: the wall clock. */
export async function openMaterial(t: TestContext, set: Partial<TlsConfig>, nowMs = Date.now) {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const logger = createLogger({ level: 'info', part: 'entry', destination: stream });
  const telemetry = createTelemetry({ part: 'entry', version: '0', logger });
  t.after(() => telemetry.close());
  const material = await TlsMaterial.open(tlsConfig(set), { logger, telemetry, nowMs });
  assert.ok(material !== null);
  t.after(() => material.close());
  const metric = async (series: string) => parseScrape(await telemetry.metricsText()).get(series) ?? Number.NaN;
  return { material, log: () => text, metric };
}

export async function listenTls(
  t: TestContext,
  authority: TestAuthority,
  set: Partial<TlsConfig>,
  changes: Partial<ListenOptions> = {},
  nowMs = Date.now,
): Promise<TlsBench> {
  const opened = await openMaterial(t, set, nowMs);
  const bench = await listenVisitors(t, changes, opened.material);
  const port = bench.transport.tlsPort!;
  const sockets: TLSSocket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    ...bench,
    ...opened,
    port,
    secure: async (name, options = {}) => {
      const own = { port, host: '127.0.0.1', ca: authority.ca, ...(name === '' ? {} : { servername: name }) };
      const socket = connect({ ...own, ...options });
      sockets.push(socket);
      await once(socket, 'secureConnect');
      return new Visitor(socket) as Visitor & { readonly socket: TLSSocket };
    },
  };
}
