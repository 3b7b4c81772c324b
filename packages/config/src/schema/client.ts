/** Settings of tunnel-client and its sessions. */
import { Type } from 'typebox';
import { backendUrl, choice, count, dnsName, filePath, live, milliseconds, sessionId } from '../parts.ts';
import { closed, admin, servers, drainTimeout } from './shared.ts';

export const session = Type.Object(
  {
    id: sessionId('Public name of the session'),
    backend: backendUrl({ description: 'Where its requests go' }),
    concurrency: Type.Optional(
      Type.Integer({
        description: 'Slots of this session; unset: client.concurrency',
        minimum: 1,
        maximum: 10_000,
        examples: [10],
      }),
    ),
    protocol: choice(
      'What the backend speaks: http1 (HTTP/1.1), h2 (HTTP/2 over TLS), h2c (HTTP/2 in clear text, with prior knowledge)',
      'http1',
      ['http1', 'h2', 'h2c'],
    ),
    proxyProtocol: choice(
      'What begins each connection to an http1 backend without TLS: nothing, or whom it is for (PROXY protocol): the visitor, behind entry.trustedProxies too. Each request then has its own',
      'off',
      ['off', 'v1', 'v2'],
    ),
    caFile: Type.Optional(
      filePath('Certificates (PEM) that an https:// backend is checked against; unset: the well-known ones'),
    ),
    serverName: Type.Optional(dnsName('Name an https:// backend is asked for and checked against; unset: its host')),
    hostHeader: choice("Host sent to the backend: the visitor's or the backend's own", 'visitor', [
      'visitor',
      'backend',
    ]),
  },
  {
    ...closed,
    description: 'One session',
    title: 'a session (id, backend, …)',
    examples: [{ id: 'demo', backend: 'http://127.0.0.1:3000' }],
  },
);

export const client = Type.Object(
  {
    servers: live(servers('Tunnel-servers to dial')),
    credentialFile: Type.Optional(live(filePath('File with a line id:secret that the client shows to its servers'))),
    admin: admin('client', 12_004),
    links: live(count('Links to each server', 1, { maximum: 64 })),
    concurrency: live(count('Slots: requests at one backend at once', 10, { maximum: 10_000 })),
    maxLongStreams: live(count('Upgraded connections and event streams at once', 1000, { minimum: 0 })),
    sessions: live(Type.Array(session, { description: 'Sessions to offer', default: [], maxItems: 1000 })),
    backendConnectTimeoutMs: live(milliseconds('Time to connect to a backend', 5000)),
    backendHeadTimeoutMs: live(milliseconds('Time for a backend to begin its answer', 90_000)),
    backendIdleTimeoutMs: live(milliseconds('Time a backend connection is kept idle for reuse', 1000, { minimum: 0 })),
    reconnectMinMs: live(milliseconds('Shortest wait before dialling again', 100)),
    reconnectMaxMs: live(milliseconds('Longest wait before dialling again', 15_000)),
    drainTimeoutMs: live(drainTimeout('open requests')),
  },
  { ...closed, description: 'tunnel-client, beside the backend' },
);
