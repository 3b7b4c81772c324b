/** What carries requests to a backend: the choice between libraries and our own codec is made in one place. */
import { Http1Backend } from './http1-backend.ts';
import type { BackendOptions, BackendTransport } from './transport.ts';
import { UndiciBackend } from './undici-backend.ts';
import { UpgradeBackend } from './upgrade-backend.ts';

export interface Backends {
  readonly requests: BackendTransport;
  readonly upgrades: BackendTransport;
}

/** undici, and node:http for what undici cannot do. */
export function libraryBackends(options: BackendOptions): Backends {
  return { requests: new UndiciBackend(options), upgrades: new UpgradeBackend(options) };
}

/** HTTP/1.1 by our own codec, all of it. */
export function http1Backends(options: BackendOptions): Backends {
  const own = new Http1Backend(options);
  return { requests: own, upgrades: own };
}
