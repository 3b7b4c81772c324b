/** A visitor over TLS with raw bytes in a test's hands, and certificates for it. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { after } from 'node:test';
import type { TestContext } from 'node:test';
import {
  certificateFolder,
  opensslIsThere,
  putPair,
  TestAuthority,
} from '../../apps/proxy-entry/src/testing/authority.ts';
import type { Made } from '../../apps/proxy-entry/src/testing/authority.ts';
import { within } from '../harness/deadline.ts';
import type { Stack } from '../harness/stack.ts';
import { Wire } from '../harness/wire.ts';

export interface TlsFiles {
  readonly authority: TestAuthority;
  /** With a pair for `app.test` and `other.test`, and one for `*.wild.test` and `secret.test`. */
  readonly folder: string;
  readonly visitor: Made;
  readonly expired: Made;
}

/** For all tests of a file; null where there is no openssl, unless it must be there. */
export function makeTlsFiles(): TlsFiles | null {
  if (!opensslIsThere()) return null;
  const authority = new TestAuthority();
  after(() => authority.remove());
  const folder = certificateFolder(authority);
  putPair(folder, 'app', authority.issue('app.test', { names: 'DNS:app.test,DNS:other.test' }));
  putPair(folder, 'wild', authority.issue('wild.test', { names: 'DNS:*.wild.test,DNS:secret.test' }));
  const visitor = authority.issue('visitor');
  return { authority, folder, visitor, expired: authority.issue('expired', { secondsLeft: -60 }) };
}

/** A handshake for `name` that succeeds. */
export async function dialTls(
  t: TestContext,
  { tls }: Stack,
  { authority }: TlsFiles,
  name: string,
  options: ConnectionOptions = {},
): Promise<Wire> {
  const { hostname, port } = new URL(tls!);
  const socket = connect({ host: hostname, port: Number(port), servername: name, ca: authority.ca, ...options });
  const wire = new Wire(socket);
  t.after(() => wire.close());
  await within(once(socket, 'secureConnect'), `a handshake for ${name}`);
  return wire;
}
