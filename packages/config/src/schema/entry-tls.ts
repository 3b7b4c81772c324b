/** Settings of TLS at the entry. It is on where `entry.tls.certificates` is set. */
import { Type } from 'typebox';
import { choice, count, dnsName, filePath, live, milliseconds, port } from '../parts.ts';
import { entryAcme } from './entry-acme.ts';
import { closed } from './shared.ts';

const YEAR_S = 31_536_000;
const MAX_HOSTS = 10_000;

export const entryTls = Type.Object(
  {
    port: port('Port that visitors reach by TLS', 12_006),
    certificates: Type.Optional(
      filePath(
        'Folder of certificates, a pair NAME.crt (or .pem, with its chain) and NAME.key each, read again when it changes; unset: no TLS',
      ),
    ),
    defaultCertificate: Type.Optional(
      live(
        Type.String({
          description:
            'NAME of the pair shown to who asks for no name, or for one that no certificate is for; unset: the handshake is refused',
          title: 'the name of a file, without its ending',
          pattern: '^[^/\\\\\\0]{1,128}$',
          examples: ['example.org'],
        }),
      ),
    ),
    minVersion: choice('Oldest version of TLS that is spoken', '1.2', ['1.2', '1.3']),
    handshakeTimeoutMs: live(milliseconds('Time for a visitor to complete the handshake', 10_000)),
    ticketKeyFile: Type.Optional(
      filePath(
        'Secret that the keys of session tickets are derived from, the same for all entries; made on first use; unset: one of this process alone',
      ),
    ),
    redirectPort: live(
      Type.Integer({
        description: 'Port of https:// that visitors of the plain port are sent to (308); 0: they are served',
        default: 0,
        minimum: 0,
        maximum: 65_535,
      }),
    ),
    hstsMaxAgeS: live(
      count('Seconds of Strict-Transport-Security on answers over TLS; 0: the field is not sent', 0, {
        minimum: 0,
        maximum: 10 * YEAR_S,
      }),
    ),
    clientCertificates: choice(
      'Certificates of visitors: off, optional (asked for), required (no connection without one)',
      'off',
      ['off', 'optional', 'required'],
    ),
    clientCaFile: Type.Optional(filePath('Authorities (PEM) that certificates of visitors are checked against')),
    clientCrlFile: Type.Optional(
      filePath('Revocation lists (PEM) of those authorities, one of each; read again when it changes'),
    ),
    clientCertificateHosts: live(
      Type.Array(dnsName('A host name'), {
        description: 'Hosts whose sessions want a certificate of the visitor; without one: 403',
        default: [],
        maxItems: MAX_HOSTS,
        uniqueItems: true,
      }),
    ),
    linkPath: Type.Optional(
      Type.String({
        description:
          'Path of this port at which links are handed on to entry.servers, for clients and entries that reach no other port; diallers add /link to their URL; unset: none',
        title: 'a path that ends with /link, not below /session',
        pattern: '^(?!/session/)(?:/[A-Za-z0-9._~-]{1,64}){0,8}/link$',
        examples: ['/link'],
      }),
    ),
    maxLinks: count('Links handed on at once; visitors count apart', 1000, { maximum: 20_000 }),
    acme: entryAcme,
  },
  { ...closed, description: 'TLS with visitors' },
);
