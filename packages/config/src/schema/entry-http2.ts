/** Settings of HTTP/2 with visitors. */
import { Type } from 'typebox';
import { count, flag, live } from '../parts.ts';
import { KIB, MIB, closed } from './shared.ts';

export const entryHttp2 = Type.Object(
  {
    cleartext: live(
      flag('HTTP/2 on the plain port with visitors that begin with it (prior knowledge, RFC 9113 §3.3)', false),
    ),
    concurrentStreams: live(
      count('Requests open at once on one HTTP/2 connection; a cancelled one counts a second more', 1000, {
        maximum: 100_000,
      }),
    ),
    windowBytes: live(
      count('Bytes of a request body that a visitor may send ahead of its reading, on each stream', 64 * KIB, {
        minimum: 16 * KIB,
        maximum: 16 * MIB,
      }),
    ),
    resets: live(
      count('Requests that an HTTP/2 visitor may take back at once; each that it lets finish allows one more', 1000),
    ),
    resetsPerS: live(count('Requests that an HTTP/2 visitor may take back each second beyond that', 100)),
    controlFrames: live(
      count('PING and SETTINGS frames at once on one HTTP/2 connection; each piece of a body allows one more', 500),
    ),
    controlFramesPerS: live(count('PING and SETTINGS frames each second beyond that', 100)),
    overheadBytes: live(
      count(
        'Bytes at once on one HTTP/2 connection that are neither request nor body nor called for by an answer',
        64 * KIB,
        {
          minimum: 16 * KIB,
          maximum: 64 * MIB,
        },
      ),
    ),
    overheadBytesPerS: live(count('Such bytes each second beyond that', 64 * KIB, { minimum: KIB, maximum: 64 * MIB })),
  },
  { ...closed, description: 'HTTP/2 with visitors, over TLS and, if wanted, in clear text' },
);
