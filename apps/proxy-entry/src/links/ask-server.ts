/** A link asked for at a server, on behalf of who dialled us: with its credential, and none of ours. */
import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LINK_PATH, TunnelAgent } from '@sallyport/protocol';
import type { LinkAddress } from '@sallyport/protocol';
import { nodeOf } from '../fields/addresses.ts';
import { valuesOf } from '../fields/values.ts';
import type { VisitorRequest } from '../visitor/transport.ts';

/** So long a server, or the proxy on the way to it, has to answer. */
export const ASK_TIMEOUT_MS = 3_000;
/** What a dialler says to the server; nothing else of its head is the server's concern. */
const HANDED_ON = ['Authorization', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol'];

/** `remote`: the dialler's address. Throws where a file of `link` cannot be read. */
export function askServer(address: LinkAddress, asked: VisitorRequest, remote: string): ClientRequest {
  const { url, proxy } = address;
  const isTls = url.startsWith('wss:');
  const agent = proxy === null ? false : new TunnelAgent({ isTls, proxy, timeoutMs: ASK_TIMEOUT_MS });
  // The certificate of our own links says who we are, not who dialled us.
  const { ca } = address.tls();
  const options = { agent, headers: headersOf(asked, remote), ...(ca === undefined ? {} : { ca }) };
  const target = url.replace(/\/$/, '').replace(/^ws/, 'http') + LINK_PATH;
  const request = isTls ? httpsRequest(target, options) : httpRequest(target, options);
  if (agent !== false) request.once('close', () => agent.destroy());
  return request;
}

function headersOf({ fields, isUpgrade }: VisitorRequest, remote: string): Record<string, string> {
  const headers: Record<string, string> = { Forwarded: `for=${nodeOf(remote)}` };
  for (const name of HANDED_ON) {
    const [value] = valuesOf(fields, name.toLowerCase());
    if (value !== undefined) headers[name] = value;
  }
  return isUpgrade ? { ...headers, Connection: 'Upgrade', Upgrade: 'websocket' } : headers;
}
