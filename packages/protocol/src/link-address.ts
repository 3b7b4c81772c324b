/** Where a server is dialled, and how: trust, a certificate of our own, the proxy on the way. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { readAuthorities } from './authorities.ts';
import { LinkAddressError, proxyFor } from './proxy.ts';
import type { Proxy } from './proxy.ts';

export interface LinkFiles {
  /** Authorities (PEM) of servers; without it the well-known ones. */
  readonly caFile?: string;
  /** What we show to servers that ask for a certificate (PEM, with its chain), and its key. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

/** PEM; as `tls.connect` takes it. */
export interface LinkTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface LinkAddress {
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  /** Nobody between us and the server can read or confuse: TLS or loopback. */
  readonly isPrivate: boolean;
  /** Read anew for each dialling, so that a renewed certificate is shown without a restart. Throws as `linkAddresses`. */
  readonly tls: () => LinkTls;
  readonly proxy: Proxy | null;
}

export interface LinkWay {
  readonly files: LinkFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isLoopback: (host: string) => boolean;
}

/** Throws a LinkAddressError, or what reading a file says. */
export function linkAddresses(urls: readonly string[], { files, env, isLoopback }: LinkWay): LinkAddress[] {
  const tls = () => readTls(files);
  // Once now: who starts a process is told at once of a file that is not there.
  tls();
  return urls.map((url) => {
    const parsed = new URL(url);
    const isPrivate = parsed.protocol === 'wss:' || isLoopback(parsed.hostname);
    return { url, isPrivate, tls, proxy: proxyFor(parsed, env) };
  });
}

export function readTls({ caFile, certificateFile, keyFile }: LinkFiles): LinkTls {
  const tls = {
    ...(caFile === undefined ? {} : { ca: readAuthorities(caFile, 'link.caFile') }),
    ...(certificateFile === undefined ? {} : { cert: readFileSync(certificateFile, 'utf8') }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile, 'utf8') }),
  };
  if (certificateFile === undefined) return tls;
  try {
    createSecureContext(tls);
  } catch {
    const message = `${certificateFile} and ${keyFile} are no certificate and its key`;
    throw new LinkAddressError(
      'SP_LINK_CERTIFICATE',
      message,
      'put both there, whole (PEM), the key without passphrase',
    );
  }
  return tls;
}
