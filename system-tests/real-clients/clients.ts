/** Where real clients try the tunnel: the site behind a whole stack, in both shapes, in clear text or over TLS. */
import { after, before, describe } from 'node:test';
import { SHAPES, useStack } from '../harness/stack.ts';
import type { Stack } from '../harness/stack.ts';
import { makeCertificate } from './certificate.ts';
import type { CertificateFolder } from './certificate.ts';
import { startSite } from './site.ts';
import type { Site } from './site.ts';

export interface Bench {
  /** The site through the tunnel, with a slash at its end. */
  readonly url: string;
  /** Over TLS: what the entry's certificate is checked against. */
  readonly ca: string | null;
  readonly stack: Stack;
}

interface Setting {
  readonly skip?: string;
  readonly isSecure?: boolean;
  readonly set?: readonly string[];
}

/** `bench`: to be looked at within a test, when the stack is there. */
export function realClient(name: string, setting: Setting, define: (bench: Bench) => void): void {
  const { set = [], isSecure = false, ...skip } = setting;
  for (const { shape, isSplit } of SHAPES) {
    void describe(`${name}, through ${shape}`, skip, () => {
      let site: Site;
      let certificate: CertificateFolder | null = null;
      before(async () => {
        site = await startSite();
        if (isSecure) certificate = makeCertificate();
      });
      after(async () => {
        certificate?.remove();
        await site.close();
      });
      const used = useStack(() => {
        const tls = certificate === null ? [] : [`entry.tls.certificates=${certificate.folder}`];
        return { isSplit, backend: site.url, set: [...set, ...tls] };
      });
      define({
        get url() {
          const { url, tls } = used.stack;
          return isSecure ? `https://localhost:${new URL(tls!).port}/session/demo/` : url;
        },
        get ca() {
          return certificate?.ca ?? null;
        },
        get stack() {
          return used.stack;
        },
      });
    });
  }
}
