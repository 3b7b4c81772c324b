/** The credential that entry and client show to a server: whether it is taken there, and for what it was made. */
import { randomBytes } from 'node:crypto';
import { Dialer, Link, ourHello, Role, SUBPROTOCOL, systemClock } from '@sallyport/protocol';
import type { LinkHandler } from '@sallyport/protocol';
import type { DiallingPart } from './credential-file.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { ask, why } from './reach.ts';
import { agentOf } from './servers.ts';
import type { Dialled } from './servers.ts';

interface Credential {
  readonly id: string;
  readonly secret: string;
}

/** An empty close frame, masked with zeros (RFC 6455 §5.5.1): a good-bye before anything was said. */
const CLOSE_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
const WS_KEY_BYTES = 16;

export async function checkCredential(
  dialled: Dialled,
  { id, secret }: Credential,
  timeoutMs: number,
): Promise<Finding> {
  const { url, where, tls } = dialled;
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(WS_KEY_BYTES).toString('base64'),
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
    Authorization: `Bearer ${id}.${secret}`,
  };
  const answer = await ask({ url, timeoutMs, tls, agent: agentOf(dialled, timeoutMs), headers, farewell: CLOSE_FRAME });
  if (!answer.ok) return fail('link', `${where}: ${why(answer.code)} when a link is asked for`, PROXY_FIX);
  const who = `${where} as ${id}`;
  const finding = judgeLinkAnswer(answer.value.status, answer.value.headers['sec-websocket-protocol'], who);
  return finding.status === 'ok'
    ? judgeKind(await kindOf(dialled, { id, secret }, timeoutMs), dialled.part, who)
    : finding;
}

const PROXY_FIX = 'let proxies before the server pass WebSocket upgrades on';

/** What the answer to an upgrade with a credential means. `who`: server and credential. */
export function judgeLinkAnswer(status: number, subprotocol: string | undefined, who: string): Finding {
  if (status === 101 && subprotocol === SUBPROTOCOL) return ok('link', `${who}: accepted`);
  if (status === 101)
    return fail('link', `${who}: another WebSocket service answers`, 'name the port for links (12001)');
  if (status === 401) {
    const fix = "use one from the server's store (sallyport creds list), or make one (sallyport creds add)";
    return fail('link', `${who}: the credential is refused`, fix, 'SP_CREDENTIAL_REFUSED');
  }
  if (status === 503) return warn('link', `${who}: the server has all the links it may`, 'raise server.maxLinks');
  return fail('link', `${who}: the upgrade is answered ${status}`, PROXY_FIX);
}

/** What a server closes a link with that says HELLO as a server: whom it knows by the credential. */
const EXPECTED = new RegExp(`role ${Role.SERVER}, not (\\d)`);
const KINDS: Readonly<Record<string, DiallingPart>> = { [Role.ENTRY]: 'entry', [Role.CLIENT]: 'client' };

/**
 * What a credential was made for, which a server tells once HELLO was said: said as nobody who dials may, so that nothing
 * comes of the link at either side. Null: it was not told.
 */
async function kindOf({ address }: Dialled, credential: Credential, timeoutMs: number): Promise<DiallingPart | null> {
  const told = Promise.withResolvers<string>();
  const timer = setTimeout(() => told.resolve(''), timeoutMs);
  const handler: LinkHandler = {
    ...IGNORE,
    onClosed: (link, closed) => dialer.closed(link, closed),
  };
  const life = { heartbeatMs: timeoutMs, canaryMs: timeoutMs };
  const who = { role: Role.SERVER, heartbeatMs: timeoutMs, instance: 'doctor', deployment: '' };
  const dialer = new Dialer({
    address,
    credential,
    clock: systemClock,
    random: () => 1,
    backoff: { minMs: timeoutMs, maxMs: timeoutMs },
    makeLink: (transport) => {
      const hello = ourHello(who);
      return new Link({
        transport,
        clock: systemClock,
        hello,
        peerRole: Role.SERVER,
        life,
        helloTimeoutMs: timeoutMs,
        handler,
      });
    },
    onEvent: (event) => told.resolve(event.kind === 'up' ? '' : event.reason),
  });
  dialer.start();
  const reason = await told.promise;
  clearTimeout(timer);
  dialer.stop();
  return KINDS[EXPECTED.exec(reason)?.[1] ?? ''] ?? null;
}

const IGNORE = {
  onHello: () => null,
  onOpen: () => {},
  onSlots: () => {},
  onSessions: () => {},
  onGoaway: () => {},
  onLate: () => {},
  onCanary: () => {},
};

const MAKE: Readonly<Record<DiallingPart, string>> = {
  entry: 'make one: sallyport creds add NAME --for entry',
  client: 'make one: sallyport creds add NAME --for client --sessions ID',
};

/** `kind`: what it was made for, as far as that is known. */
export function judgeKind(kind: DiallingPart | null, part: DiallingPart, who: string): Finding {
  if (kind === null || kind === part) return ok('link', `${who}: accepted`);
  const message = `${who}: the credential was made for ${kind === 'entry' ? 'entries' : 'clients'}, and not for this`;
  return fail('link', message, MAKE[part], 'SP_CREDENTIAL_REFUSED');
}
