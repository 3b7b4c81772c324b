/** Steps on the network, each with a time limit and errors as values. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { LinkTls } from '@sallyport/protocol';
import { certificateOf } from './certificate.ts';
import type { Certificate } from './certificate.ts';

/** `code`: the system's, or `ETIMEDOUT` when the time was up. */
export type Reached<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** Host and port of a URL of any of our schemes. */
export function addressOf(url: URL): { host: string; port: number } {
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port) };
}

/** Addresses of a name, as the system resolves it. */
export async function resolveName(host: string, timeoutMs: number): Promise<Reached<string[]>> {
  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeUp.reject(Object.assign(new Error(), { code: 'ETIMEDOUT' })), timeoutMs);
  try {
    const found = await Promise.race([lookup(host, { all: true }), timeUp.promise]);
    return { ok: true, value: found.map(({ address }) => address) };
  } catch (error) {
    return failed(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Connects and hangs up. */
export async function reach(address: Address, timeoutMs: number): Promise<Reached<null>> {
  const socket = connect(address);
  try {
    await opened(socket, 'connect', timeoutMs);
    return { ok: true, value: null };
  } catch (error) {
    return failed(error);
  } finally {
    socket.destroy();
  }
}

export interface TlsQuestion {
  readonly host: string;
  readonly port: number;
  /** Asked for and checked, if not the host's name. */
  readonly serverName?: string | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
  readonly alpn?: readonly string[];
  /** Shown if asked for (PEM). */
  readonly own?: LinkTls;
  /** A connection to it that is there already. */
  readonly socket?: Socket;
}

/** A TLS handshake, completed with any certificate: what it is worth is for the caller to judge. */
export async function handshake(question: TlsQuestion, timeoutMs: number): Promise<Reached<Certificate>> {
  const { host, port, serverName = host, ca, alpn = [], own = {}, socket: below } = question;
  const socket = connectSecurely({
    host,
    port,
    ...own,
    ...(below === undefined ? {} : { socket: below }),
    rejectUnauthorized: false,
    ALPNProtocols: [...alpn],
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
  try {
    await opened(socket, 'secureConnect', timeoutMs);
    const value = certificateOf(socket);
    await farewell(socket, Math.min(timeoutMs, FAREWELL_MS));
    return { ok: true, value };
  } catch (error) {
    return failed(error);
  } finally {
    socket.destroy();
  }
}

/** The other side may not have read the end of the handshake yet: cut off now, it would count as one that failed. */
const FAREWELL_MS = 1_000;

async function farewell(socket: TLSSocket, timeoutMs: number): Promise<void> {
  socket.resume();
  socket.end();
  // Whatever it comes to: what was asked for is known.
  await once(socket, 'close', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => null);
}

function opened(socket: Socket | TLSSocket, event: string, timeoutMs: number): Promise<unknown> {
  return once(socket, event, { signal: AbortSignal.timeout(timeoutMs) });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** At most `bodyMaxBytes` of it; empty after an upgrade. */
  readonly body: string;
}

export interface Question {
  /** http: or https:. */
  readonly url: URL;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: LinkTls;
  /** How to connect, if not directly. */
  readonly agent?: Agent | null;
  /** Written to an upgraded connection before it is closed. */
  readonly farewell?: Buffer;
  /** More of an answer is not read. */
  readonly bodyMaxBytes?: number;
}

const BODY_MAX_BYTES = 16 * 1024;

/** One GET on a connection of its own. */
export async function ask({
  url,
  timeoutMs,
  headers = {},
  tls = {},
  agent,
  farewell,
  bodyMaxBytes = BODY_MAX_BYTES,
}: Question): Promise<Reached<Answer>> {
  const signal = AbortSignal.timeout(timeoutMs);
  const answered = Promise.withResolvers<Answer>();
  const options = { agent: agent ?? false, signal, headers: { ...headers }, ...tls };
  const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
  request.on('error', answered.reject);
  request.on('response', (response) => void readAnswer(response, bodyMaxBytes).then(answered.resolve, answered.reject));
  request.on('upgrade', (response: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(farewell ?? '', () => socket.destroy());
    answered.resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
  });
  try {
    request.end();
    return { ok: true, value: await answered.promise };
  } catch (error) {
    request.destroy();
    return failed(error);
  } finally {
    agent?.destroy();
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  const body = Buffer.concat(chunks).toString('utf8').slice(0, maxBytes);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function failed(error: unknown): { ok: false; code: string } {
  const { name, code } = error as NodeJS.ErrnoException;
  const isTimeout = name === 'AbortError' || name === 'TimeoutError' || code === 'ABORT_ERR';
  return { ok: false, code: isTimeout ? 'ETIMEDOUT' : (code ?? 'EIO') };
}

const WHY: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'nothing listens there'],
  [/^ETIMEDOUT$/, 'there is no answer'],
  [/^ENOTFOUND$/, 'the name does not resolve'],
  [/^EAI_AGAIN$/, 'name resolution does not work now'],
  [/^E(HOST|NET)UNREACH$/, 'there is no route to it'],
  [/^ECONNRESET$/, 'the connection was cut'],
  [/^ENOENT$/, 'there is no such socket'],
  [/^EACCES$/, 'we have no right to it'],
  [/^HPE_/, 'it does not speak HTTP there'],
  [/ALERT_NO_APPLICATION_PROTOCOL/, 'it speaks neither h2 nor http/1.1 (ALPN)'],
  [/ALERT_CERTIFICATE_REQUIRED/, 'it asks for a certificate of ours (link.certificateFile)'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_)/, 'it does not accept our certificate (link.certificateFile)'],
  [/UNRECOGNIZED_NAME|HANDSHAKE_FAILURE/, 'it has no certificate for this name'],
  [/^EPROTO$|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'it does not speak TLS there'],
];

/** `ECONNREFUSED` → `nothing listens there (ECONNREFUSED)` */
export function why(code: string): string {
  const text = WHY.find(([pattern]) => pattern.test(code))?.[1] ?? 'it cannot be reached';
  return `${text} (${code})`;
}
