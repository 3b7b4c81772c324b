/** Tunnel-servers as entry and client dial them: name, connection, certificate, link port, clock, credential. */
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { redactUrl, secretFromFileOrEnv } from '@sallyport/config';
import { LINK_PATH, SUBPROTOCOL } from '@sallyport/protocol';
import type { Settings } from '../settings.ts';
import { judgeCertificate } from './certificate.ts';
import { clockSkewMs, judgeClock } from './clock.ts';
import { forEach, partsOf } from './context.ts';
import type { DoctorContext } from './context.ts';
import type { DiallingPart } from './credential-file.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { addressOf, ask, handshake, reach, resolveName, why } from './reach.ts';

interface Dialled {
  readonly part: DiallingPart;
  readonly url: URL;
  /** As it may be shown. */
  readonly where: string;
  readonly ca: string | undefined;
  readonly credential: { readonly id: string; readonly secret: string } | null;
  /** Nobody chose this server: that it is not there is no fault. */
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
  const { config, origins } = settings;
  const { caFile } = config.link;
  let ca: string | undefined;
  try {
    ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return [fail('server', `link.caFile ${caFile} cannot be read (${code})`, 'correct it, or who may read it')];
  }
  const credential = secretFromFileOrEnv({ file: config[part].credentialFile, env: context.env });
  return forEach(config[part].servers, (server) => {
    const dialled: Dialled = {
      part,
      url: new URL(server.replace(/\/$/, '').replace(/^ws/, 'http') + LINK_PATH),
      where: `${part} to ${redactUrl(server)}`,
      ca,
      credential: credential.ok ? credential : null,
      isDefault: origins.get(`${part}.servers`) === 'default',
    };
    return checkServer(dialled, context);
  });
}

async function checkServer(dialled: Dialled, context: DoctorContext): Promise<Finding[]> {
  const { url, where, part, ca } = dialled;
  const { timeoutMs, nowMs } = context;
  const address = addressOf(url);
  const found = await resolveName(address.host, timeoutMs);
  if (!found.ok)
    return [fail('server', `${where}: ${why(found.code)}`, `correct ${part}.servers, or the name's DNS record`)];
  const reached = await reach(address, timeoutMs);
  if (!reached.ok) return [unreachable(dialled, reached.code)];
  const findings = [ok('server', `${where}: reached at ${found.value.join(', ')}`)];
  if (url.protocol === 'https:') {
    const shaken = await handshake({ ...address, ca }, timeoutMs);
    if (!shaken.ok)
      return [...findings, fail('certificate', `${where}: ${why(shaken.code)}`, 'let TLS end there, or use ws://')];
    const certificate = judgeCertificate(
      shaken.value,
      where,
      "set link.caFile to its authority's certificate",
      nowMs(),
    );
    findings.push(certificate);
    if (certificate.status === 'fail') return findings;
  }
  return [...findings, ...(await checkLink(dialled, context))];
}

function unreachable({ where, part, isDefault }: Dialled, code: string): Finding {
  const message = `${where}: ${why(code)}`;
  if (isDefault) return warn('server', message, `start one (sallyport server, sallyport up), or set ${part}.servers`);
  return fail('server', message, `start the server, correct ${part}.servers, or open the way in firewalls`);
}

async function checkLink(dialled: Dialled, { timeoutMs, nowMs }: DoctorContext): Promise<Finding[]> {
  const { url, where, ca, credential, part } = dialled;
  const sentMs = nowMs();
  const answer = await ask({ url, timeoutMs, ca });
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

/** An empty close frame, masked with zeros (RFC 6455 §5.5.1): a good-bye before anything was said. */
const CLOSE_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
const WS_KEY_BYTES = 16;

async function checkCredential(
  { url, where, ca }: Dialled,
  { id, secret }: { id: string; secret: string },
  timeoutMs: number,
): Promise<Finding> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(WS_KEY_BYTES).toString('base64'),
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
    Authorization: `Bearer ${id}.${secret}`,
  };
  const answer = await ask({ url, timeoutMs, ca, headers, farewell: CLOSE_FRAME });
  if (!answer.ok) return fail('link', `${where}: ${why(answer.code)} when a link is asked for`, PROXY_FIX);
  return judgeLinkAnswer(answer.value.status, answer.value.headers['sec-websocket-protocol'], `${where} as ${id}`);
}

const PROXY_FIX = 'let proxies before the server pass WebSocket upgrades on';

/** What the answer to an upgrade with a credential means. `who`: server and credential. */
export function judgeLinkAnswer(status: number, subprotocol: string | undefined, who: string): Finding {
  if (status === 101 && subprotocol === SUBPROTOCOL) return ok('link', `${who}: accepted`);
  if (status === 101)
    return fail('link', `${who}: another WebSocket service answers`, 'name the port for links (12001)');
  if (status === 401) {
    const fix = "use one from the server's store (sallyport creds list), or make one (sallyport creds add)";
    return fail('link', `${who}: the credential is refused`, fix);
  }
  if (status === 503) return warn('link', `${who}: the server has all the links it may`, 'raise server.maxLinks');
  return fail('link', `${who}: the upgrade is answered ${status}`, PROXY_FIX);
}
