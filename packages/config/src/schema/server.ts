/** Settings of tunnel-server. */
import { Type } from 'typebox';
import { bindHost, count, filePath, live, milliseconds, port } from '../parts.ts';
import { closed, admin, drainTimeout } from './shared.ts';

export const server = Type.Object(
  {
    host: bindHost('Address that entries and clients dial'),
    port: port('Port that entries and clients dial', 12_001),
    tls: Type.Object(
      {
        certificateFile: Type.Optional(
          filePath(
            'Certificate (PEM, with its chain) of the port for links, read again when it changes; unset: no TLS',
          ),
        ),
        keyFile: Type.Optional(filePath('Key (PEM) of server.tls.certificateFile')),
        clientCaFile: Type.Optional(
          filePath(
            'Authorities (PEM) of entries and clients: without a certificate of theirs no link; unset: none asked',
          ),
        ),
      },
      { ...closed, description: 'TLS with entries and clients: links by wss://' },
    ),
    admin: admin('server', 12_002),
    credentialStore: Type.Optional(filePath('Credential store (JSON) that links are checked against')),
    queue: Type.Object(
      {
        limit: live(count('Requests of one session that may wait for a slot', 1000, { minimum: 0 })),
        timeoutMs: live(milliseconds('Time a request may wait for a slot', 5000)),
      },
      { ...closed, description: 'Where requests wait for a slot, one queue a session' },
    ),
    drainTimeoutMs: live(drainTimeout('open streams')),
    maxLinks: live(count('Links open at once', 20_000)),
  },
  { ...closed, description: 'tunnel-server, the relay' },
);
