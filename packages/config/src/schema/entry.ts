/** Settings of proxy-entry. */
import { Type } from 'typebox';
import {
  SESSION_ID_PATTERN,
  bindHost,
  cidr,
  count,
  dnsName,
  filePath,
  flag,
  live,
  milliseconds,
  port,
} from '../parts.ts';
import { entryHttp2 } from './entry-http2.ts';
import { entryTls } from './entry-tls.ts';
import { KIB, MIB, HEAD_CAP_BYTES, HEAD_CAP_LINES, closed, admin, servers, drainTimeout } from './shared.ts';

export const entry = Type.Object(
  {
    host: bindHost('Address that visitors reach'),
    port: port('Port that visitors reach', 12_000),
    admin: admin('entry', 12_003),
    servers: live(servers('Tunnel-servers to keep an uplink to')),
    credentialFile: Type.Optional(live(filePath('File with a line id:secret that the entry shows to its servers'))),
    domain: Type.Optional(live(dnsName('Visitors of <id>.<domain> reach the session <id>'))),
    hosts: live(
      Type.Record(
        Type.String(),
        Type.String({ title: 'a session id', pattern: SESSION_ID_PATTERN, examples: ['demo'] }),
        {
          description: 'Host name (lower case, no port) to session id',
          default: {},
          propertyNames: dnsName('A host name'),
          maxProperties: 10_000,
          examples: [{ 'app.example.org': 'demo' }],
        },
      ),
    ),
    trustedProxies: live(
      Type.Array(cidr(), {
        description: 'Networks whose Forwarded and X-Forwarded-* fields are believed',
        default: [],
        maxItems: 1000,
      }),
    ),
    proxyProtocolFrom: live(
      Type.Array(cidr(), {
        description:
          'Networks of balancers that say whom they speak for by the PROXY protocol (v1 or v2), on both ports',
        default: [],
        maxItems: 1000,
      }),
    ),
    tls: entryTls,
    http2: entryHttp2,
    serverTiming: live(flag('Answers carry Server-Timing, one entry per hop', true)),
    connections: live(count('Visitor connections open at once', 10_000)),
    requestHeadBytes: live(count('Bytes of a request head', HEAD_CAP_BYTES, { minimum: KIB, maximum: HEAD_CAP_BYTES })),
    requestHeadLines: live(count('Lines of a request head', HEAD_CAP_LINES, { maximum: HEAD_CAP_LINES })),
    targetBytes: live(count('Bytes of a request target', 8 * KIB, { minimum: 64, maximum: HEAD_CAP_BYTES })),
    bodyBytes: live(count('Bytes of a request body; 0: no limit', 0, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    headTimeoutMs: live(milliseconds('Time for a visitor to send a request head', 10_000)),
    keepAliveTimeoutMs: live(milliseconds('Time a visitor connection may sit idle', 75_000)),
    bodyMinBytesPerS: live(
      count('Slowest rate of a request body while the entry reads it, in bytes a second; 0: any', 500, {
        minimum: 0,
        maximum: MIB,
      }),
    ),
    bodyGraceMs: live(milliseconds('Time for which a request body may come slower than its minimum rate', 20_000)),
    answerStallTimeoutMs: live(milliseconds('Time an answer may wait for its visitor to take any of it', 60_000)),
    uploadStallTimeoutMs: live(milliseconds('Time an upload may wait for the backend to read', 60_000)),
    sessionSyncTimeoutMs: live(
      milliseconds('Time to wait for the first list of sessions before answering 503', 2000, {
        minimum: 0,
      }),
    ),
    retryBudgetPercent: live(
      count('Requests that may be sent a second time, in percent of all', 10, {
        minimum: 0,
        maximum: 100,
      }),
    ),
    drainTimeoutMs: live(drainTimeout('open requests')),
  },
  { ...closed, description: 'proxy-entry, the public edge' },
);
