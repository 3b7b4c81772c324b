/** A link asked for at a server, on behalf of who dialled us: with its credential, and none of ours. */
import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LINK_PATH, TunnelAgent } from '@sallyport/protocol';
import { nodeOf } from '../fields/addresses.ts';
import { valuesOf } from '../fields/values.ts';
import type { VisitorRequest } from '../visitor/transport.ts';
import type { AskedServer } from './asked-server.ts';

/** So long a server, or the proxy on the way to it, has to answer. */
export const ASK_TIMEOUT_MS = 3_000;
/** What a dialler says to the server; nothing else of its head is the server's concern. */
const HANDED_ON = ['Authorization', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol'];

/** Who dialled us, and by which way. */
export interface Dialled {
  readonly request: VisitorRequest;
  /** The dialler's address. */
  readonly remote: string;
  /** Our entry of Via behind those that came. */
  readonly via: string;
}

/** Throws where a file of `link` cannot be read. */
export function askServer(server: AskedServer, dialled: Dialled): ClientRequest {
  const { url, proxy } = server.address;
  const isTls = url.startsWith('wss:');
  const agent = proxy === null ? false : new TunnelAgent({ isTls, proxy, timeoutMs: ASK_TIMEOUT_MS });
  const options = { agent, headers: headersOf(dialled), ...(isTls ? { secureContext: server.trust() } : {}) };
  const target = url.replace(/\/$/, '').replace(/^ws/, 'http') + LINK_PATH;
  const request = isTls ? httpsRequest(target, options) : httpRequest(target, options);
  if (agent !== false) request.once('close', () => agent.destroy());
  return request;
}

function headersOf({ request, remote, via }: Dialled): Record<string, string> {
  const { fields, isUpgrade } = request;
  const headers: Record<string, string> = { Forwarded: `for=${nodeOf(remote)}`, Via: via };
  for (const name of HANDED_ON) {
    const [value] = valuesOf(fields, name.toLowerCase());
    if (value !== undefined) headers[name] = value;
  }
  return isUpgrade ? { ...headers, Connection: 'Upgrade', Upgrade: 'websocket' } : headers;
}
