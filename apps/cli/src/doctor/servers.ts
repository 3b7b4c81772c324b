/** Tunnel-servers as entry and client dial them: name, connection, certificate, link port, clock, credential. */
import type { Socket } from 'node:net';
import { readRegularFileSync, redactUrl, secretFromFileOrEnv } from '@sallyport/config';
import { dig, LINK_PATH, LinkAddressError, linkAddresses, TunnelAgent } from '@sallyport/protocol';
import type { LinkAddress, LinkTls, Proxy, TunnelError } from '@sallyport/protocol';
import { isLoopbackHost } from '@sallyport/telemetry';
import type { Settings } from '../settings.ts';
import { judgeCertificate } from './certificate.ts';
import { clockSkewMs, judgeClock } from './clock.ts';
import { forEach, isBare, partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import type { DiallingPart } from './credential-file.ts';
import { checkCredential } from './credential-link.ts';
import { fail, ok, pageOf, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { addressOf, ask, handshake, reach, resolveName, why } from './reach.ts';

/** A server, and how a part dials it. */
export interface Dialled {
  readonly part: DiallingPart;
  readonly url: URL;
  /** As it may be shown. */
  readonly where: string;
  readonly address: LinkAddress;
  readonly tls: LinkTls;
  readonly proxy: Proxy | null;
  readonly credential: { readonly id: string; readonly secret: string } | null;
  /** Nothing is configured: that it is not there is no fault. */
  readonly isDefault: boolean;
}

export async function checkServers(context: DoctorContext): Promise<Finding[]> {
  const { settings } = context;
  if (settings === null) return [];
  const parts = partsOf(settings);
  const dialling = (['client', 'entry'] as const).filter((part) => parts.has(part));
  return forEach(dialling, (part) => checkPart(part, settings, context));
}

async function checkPart(part: DiallingPart, settings: Settings, context: DoctorContext): Promise<Finding[]> {
  const { config } = settings;
  let addresses: LinkAddress[];
  try {
    const way = { files: config.link, env: context.env, isLoopback: isLoopbackHost, readFile: readRegularFileSync };
    addresses = linkAddresses(config[part].servers, way);
  } catch (error) {
    return [wrongAddress(error)];
  }
  const credential = secretFromFileOrEnv({ file: config[part].credentialFile, env: context.env });
  return forEach(addresses, (address) => {
    const { url: server, tls, proxy } = address;
    const dialled: Dialled = {
      part,
      address,
      url: new URL(server.replace(/\/$/, '').replace(/^ws/, 'http') + LINK_PATH),
      where: `${part} to ${redactUrl(server)}`,
      tls: tls(),
      proxy,
      credential: credential.ok ? credential : null,
      isDefault: isBare(settings),
    };
    return checkServer(dialled, context);
  });
}

/** What it means for whoever dials that its server cannot be reached. */
const PAGES = { client: 'SallyportClientDisconnected', entry: 'SallyportNoUplink' } as const;

function tlsRefused(where: string, code: string): Finding {
  return fail('certificate', `${where}: ${why(code)}`, 'let TLS end there, or use ws://', 'SP_LINK_TLS');
}

/** A file of links that cannot be used, or a proxy that is none. */
function wrongAddress(error: unknown): Finding {
  if (!(error instanceof LinkAddressError)) throw error;
  return fail('server', error.message, error.fix, error.code);
}

async function checkServer(dialled: Dialled, context: DoctorContext): Promise<Finding[]> {
  const { timeoutMs, nowMs } = context;
  const { url, where, tls } = dialled;
  const found = await (dialled.proxy === null ? checkReach(dialled, timeoutMs) : checkProxy(dialled, timeoutMs));
  if (found.finding.status !== 'ok') return [found.finding];
  const findings = [found.finding];
  if (url.protocol === 'https:') {
    const { socket } = found;
    const question = { ...addressOf(url), ca: tls.ca, own: tls, ...(socket === null ? {} : { socket }) };
    const shaken = await handshake(question, timeoutMs);
    if (!shaken.ok) return [...findings, tlsRefused(where, shaken.code)];
    const trust = "set link.caFile to its authority's certificate";
    const certificate = judgeCertificate(shaken.value, where, trust, nowMs());
    if (shaken.value.refusal !== null) return [...findings, { ...certificate, page: pageOf('SP_LINK_TLS') }];
    findings.push(certificate);
  } else found.socket?.destroy();
  return [...findings, ...(await checkLink(dialled, context))];
}

interface Way {
  readonly finding: Finding;
  /** Through a proxy: the connection. */
  readonly socket: Socket | null;
}

async function checkReach(dialled: Dialled, timeoutMs: number): Promise<Way> {
  const { url, where, part } = dialled;
  const address = addressOf(url);
  const found = await resolveName(address.host, timeoutMs);
  if (!found.ok) {
    const fix = `correct ${part}.servers, or the name's DNS record`;
    return { finding: fail('server', `${where}: ${why(found.code)}`, fix, PAGES[part]), socket: null };
  }
  const reached = await reach(address, timeoutMs);
  if (!reached.ok) return { finding: unreachable(dialled, reached.code), socket: null };
  return { finding: ok('server', `${where}: reached at ${found.value.join(', ')}`), socket: null };
}

/** The name is the proxy's to resolve. */
async function checkProxy({ url, where, proxy }: Dialled, timeoutMs: number): Promise<Way> {
  const { name, variable } = proxy!;
  const { host, port } = addressOf(url);
  try {
    const socket = await dig(proxy!, host, port, timeoutMs);
    return { finding: ok('proxy', `${where}: through the proxy ${name} (${variable})`), socket };
  } catch (error) {
    const fix = `correct ${variable}, put ${host} into NO_PROXY, or have the proxy let it through`;
    const { message, code } = error as TunnelError;
    return { finding: fail('proxy', `${where}: ${message}`, fix, code), socket: null };
  }
}

/** For one request: null goes straight. */
export function agentOf({ proxy, url }: Dialled, timeoutMs: number): TunnelAgent | null {
  return proxy === null ? null : new TunnelAgent({ proxy, isTls: url.protocol === 'https:', timeoutMs });
}

function unreachable({ where, part, isDefault }: Dialled, code: string): Finding {
  const message = `${where}: ${why(code)}`;
  if (isDefault) return warn('server', message, `start one (sallyport server), or set ${part}.servers`);
  const fix = `start the server, correct ${part}.servers, or open the way in firewalls`;
  return fail('server', message, fix, PAGES[part]);
}

async function checkLink(dialled: Dialled, { timeoutMs, nowMs }: DoctorContext): Promise<Finding[]> {
  const { url, where, tls, credential, part } = dialled;
  const sentMs = nowMs();
  const answer = await ask({ url, timeoutMs, tls, agent: agentOf(dialled, timeoutMs) });
  const fix = `let ${part}.servers name the port for links (12001), and proxies before it pass ${LINK_PATH} on`;
  if (!answer.ok) return [fail('link', `${where}: ${why(answer.code)}`, fix)];
  const { status, headers } = answer.value;
  if (status !== 426) return [fail('link', `${where}: answers ${status}, as no tunnel-server does`, fix)];
  return [
    ok('link', `${where}: a tunnel-server answers`),
    ...judgeClock(clockSkewMs(headers.date, sentMs, nowMs()), where),
    ...(credential === null ? [] : [await checkCredential(dialled, credential, timeoutMs)]),
  ];
}
