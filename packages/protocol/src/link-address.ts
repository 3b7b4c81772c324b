/** Where a server is dialled, and how: trust, a certificate of our own, the proxy on the way. */
import { createSecureContext } from 'node:tls';
import { readAuthorities, textOf } from './authorities.ts';
import type { ReadFile } from './authorities.ts';
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
  readonly readFile: ReadFile;
}

/** Throws a LinkAddressError. */
export function linkAddresses(urls: readonly string[], { files, env, isLoopback, readFile }: LinkWay): LinkAddress[] {
  const tls = () => readTls(files, readFile);
  // Once now: who starts a process is told at once of a file that is not there.
  tls();
  return urls.map((url) => {
    const parsed = new URL(url);
    const isPrivate = parsed.protocol === 'wss:' || isLoopback(parsed.hostname);
    return { url, isPrivate, tls, proxy: proxyFor(parsed, env) };
  });
}

function readTls({ caFile, certificateFile, keyFile }: LinkFiles, readFile: ReadFile): LinkTls {
  const tls = {
    ...(caFile === undefined ? {} : { ca: readAuthorities(caFile, 'link.caFile', readFile) }),
    ...(certificateFile === undefined ? {} : { cert: textOf(certificateFile, 'link.certificateFile', readFile) }),
    ...(keyFile === undefined ? {} : { key: textOf(keyFile, 'link.keyFile', readFile) }),
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
