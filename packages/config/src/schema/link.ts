/** Settings of links. */
import { Type } from 'typebox';
import { count, filePath, flag, milliseconds } from '../parts.ts';
import { KIB, MIB, closed } from './shared.ts';

export const link = Type.Object(
  {
    heartbeatMs: milliseconds('Time between pings on a link', 5000, { minimum: 100 }),
    canaryMs: milliseconds('Time between canaries over one link to its other end and back', 1000, { minimum: 100 }),
    helloTimeoutMs: milliseconds('Time for the other end of a new link to say hello', 5000),
    // Beyond it new requests are refused. It must hold several whole windows: with 4 MiB, less than one, ten downloads
    // of 2 MB at once had 40 % of all requests refused.
    egressBytes: count('Bytes queued at the server for one link', 64 * MIB, { minimum: 64 * KIB, maximum: 1024 * MIB }),
    windowMaxBytes: count('Largest window of one stream', 8 * MIB, { minimum: 16 * KIB, maximum: 8 * MIB }),
    windowBudgetBytes: count('Windows of all streams of a process together', 256 * MIB, {
      minimum: MIB,
      maximum: 65_536 * MIB,
    }),
    allowPlain: flag(
      'Allow ws:// to a server that is not on loopback: credentials and requests travel in the clear',
      false,
    ),
    caFile: Type.Optional(filePath('Certificates (PEM) that servers are checked against; unset: the well-known ones')),
    certificateFile: Type.Optional(
      filePath('Certificate (PEM, with its chain) shown to servers that ask for one; read again for each dialling'),
    ),
    keyFile: Type.Optional(filePath('Key (PEM) of link.certificateFile')),
  },
  { ...closed, description: 'Links, the same for all three parts' },
);
