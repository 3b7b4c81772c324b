/** Steps on the network before a run: each ends by its signal, and its errors are values. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { Client } from 'undici';
import { WebSocket } from 'ws';
import { bodyBytes } from '../engine/body.ts';
import { fieldsByName } from '../engine/fields.ts';
import type { ArmPlan, RequestPlan, TlsPlan } from '../engine/plan.ts';
import { MAX_PROBLEM_BYTES, isProblem, parseProblem } from '../engine/problem.ts';

/** `code`: the system's or OpenSSL's, or `ETIMEDOUT` when the time was up. */
export type Reached<Value> = { ok: true; value: Value } | { ok: false; code: string };

/** `refusal` is null, or why the certificate is not to be believed: OpenSSL's code or `ERR_TLS_CERT_ALTNAME_INVALID`. */
export type Certificate = { refusal: string | null; names: string; validToMs: number; alpn: string | null };

/** `problem`: the tunnel's own `SP_…` code, where the answer is an error of its own. */
export type Answer = { status: number; headers: Record<string, string>; problem: string | null };

const SHOWN_NAMES_CHARS = 120;
const SWITCHING_PROTOCOLS = 101;

/** The addresses of a name, as the system resolves it. */
export async function resolveName(host: string, signal: AbortSignal): Promise<Reached<string[]>> {
  const timeUp = Promise.withResolvers<never>();
  const giveUp = (): void => timeUp.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const found = await Promise.race([lookup(host, { all: true }), timeUp.promise]);
    return { ok: true, value: found.map(({ address }) => address) };
  } catch (error) {
    return failed(error);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Connects and hangs up. The milliseconds it took. */
export async function reach(url: URL, signal: AbortSignal): Promise<Reached<number>> {
  const startMs = performance.now();
  const socket = connect(addressOf(url));
  try {
    await once(socket, 'connect', { signal });
    return { ok: true, value: performance.now() - startMs };
  } catch (error) {
    return failed(error);
  } finally {
    socket.destroy();
  }
}

/** A handshake, completed with any certificate: what it is worth is for the caller to judge. */
export async function shakeHands(
  url: URL,
  tls: TlsPlan | null,
  alpn: string[],
  signal: AbortSignal,
): Promise<Reached<Certificate>> {
  const { host, port } = addressOf(url);
  const socket = connectSecurely({
    host,
    port,
    rejectUnauthorized: false,
    ALPNProtocols: alpn,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...secrets(tls),
  });
  try {
    await once(socket, 'secureConnect', { signal });
    return { ok: true, value: certificateOf(socket) };
  } catch (error) {
    return failed(error);
  } finally {
    socket.destroy();
  }
}

function certificateOf(socket: TLSSocket): Certificate {
  const { subjectaltname, subject, valid_to: validTo } = socket.getPeerCertificate();
  const names = subjectaltname ?? `CN:${String(subject?.CN ?? '?')}`;
  return {
    refusal: socket.authorized ? null : refusalOf(socket.authorizationError),
    names: names.length > SHOWN_NAMES_CHARS ? `${names.slice(0, SHOWN_NAMES_CHARS)}…` : names,
    validToMs: Date.parse(validTo),
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : null,
  };
}

/** Older types say Error; what comes is mostly OpenSSL's code as text. */
function refusalOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message;
  return typeof error === 'string' ? error : 'unknown';
}

/** One request of an arm, on a connection of its own. */
export async function ask(arm: ArmPlan, request: RequestPlan, signal: AbortSignal): Promise<Reached<Answer>> {
  try {
    const isMessage = arm.protocol === 'websocket';
    return { ok: true, value: await (isMessage ? askSocket(arm, request, signal) : askHttp(arm, request, signal)) };
  } catch (error) {
    return failed(error);
  }
}

async function askHttp(arm: ArmPlan, request: RequestPlan, signal: AbortSignal): Promise<Answer> {
  const client = new Client(arm.origin, { allowH2: arm.protocol === 'http2', connect: secrets(arm.tls) });
  try {
    const { method, path, headers } = request;
    const body = bodyBytes(request.body);
    const answer = await client.request({ method, path, headers, body, signal });
    const fields = firstValues(answer.headers);
    const problem = isProblem(fields['content-type']) ? await problemOf(answer.body) : null;
    return { status: answer.statusCode, headers: fields, problem };
  } finally {
    // Not close(): that waits for a body that may be endless.
    await client.destroy();
  }
}

async function problemOf(body: AsyncIterable<Buffer>): Promise<string | null> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString();
    if (text.length > MAX_PROBLEM_BYTES) return null;
  }
  return parseProblem(text)?.code ?? null;
}

async function askSocket(arm: ArmPlan, request: RequestPlan, signal: AbortSignal): Promise<Answer> {
  const { headers, path } = request;
  const socket = new WebSocket(arm.origin.replace(/^http/, 'ws') + path, {
    headers: fieldsByName(headers),
    ...secrets(arm.tls),
  });
  const answered = Promise.withResolvers<Answer>();
  const giveUp = (): void => answered.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  // Terminating a socket that has not opened emits an error; after the answer nobody asks any more.
  socket.on('error', answered.reject);
  socket.on('open', () => answered.resolve({ status: SWITCHING_PROTOCOLS, headers: {}, problem: null }));
  socket.on('unexpected-response', (_request, { statusCode = 0, headers: fields }) =>
    answered.resolve({ status: statusCode, headers: firstValues(fields), problem: null }),
  );
  try {
    return await answered.promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.terminate();
  }
}

function firstValues(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? (value[0] ?? '') : (value ?? '')]),
  );
}

function secrets(tls: TlsPlan | null): { ca?: string; cert?: string; key?: string } {
  const given = Object.entries(tls ?? {}).filter(([name, value]) => name !== 'isResuming' && value !== null);
  return Object.fromEntries(given) as { ca?: string; cert?: string; key?: string };
}

function addressOf(url: URL): { host: string; port: number } {
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  return { host: hostOf(url), port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port) };
}

/** Without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function failed(error: unknown): { ok: false; code: string } {
  const { name, code } = error as NodeJS.ErrnoException;
  const isTimeout = name === 'AbortError' || name === 'TimeoutError' || code === 'ABORT_ERR';
  return { ok: false, code: isTimeout ? 'ETIMEDOUT' : (code ?? 'EIO') };
}
