/** Settings of certificates that the entry has made for itself (ACME, RFC 8555). It is on where `names` has any. */
import { Type } from 'typebox';
import { choice, count, filePath, flag } from '../parts.ts';
import { closed } from './shared.ts';

const MAX_NAMES = 1_000;
const MAX_NAME_CHARS = 253;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

export const entryAcme = Type.Object(
  {
    names: Type.Array(
      Type.String({
        title: 'a host name in lower case, or *. and one',
        pattern: `^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})+$`,
        maxLength: MAX_NAME_CHARS,
        examples: ['app.example.org'],
      }),
      {
        description:
          'Hosts that certificates are had for, one each, kept in entry.tls.certificates and renewed; none: no ACME',
        default: [],
        maxItems: MAX_NAMES,
        uniqueItems: true,
      },
    ),
    directoryUrl: Type.String({
      description: 'Where the authority is asked',
      title: 'an https:// URL',
      default: 'https://acme-v02.api.letsencrypt.org/directory',
      pattern: '^https://[^\\s/@]+/[^\\s]*$',
      maxLength: 2048,
    }),
    termsAgreed: flag('The terms of service of that authority are agreed to; without it nothing is asked for', false),
    contact: Type.Optional(
      Type.String({
        description: 'Where the authority may write to',
        title: 'an e-mail address',
        pattern: '^[^\\s@,?]{1,64}@[^\\s@,?]{1,190}$',
        examples: ['ops@example.org'],
      }),
    ),
    challenge: choice(
      'How a name is shown to be ours: http-01 (the authority reaches the plain port by port 80 of the name) or dns-01',
      'http-01',
      ['http-01', 'dns-01'],
    ),
    dnsHook: Type.Optional(
      filePath(
        'Program for dns-01, called as HOOK add|remove _acme-challenge.NAME VALUE; it ends with 0 once the record is served',
      ),
    ),
    accountKeyFile: Type.Optional(
      filePath('Key of the account, made on first use; unset: account.key in .acme below entry.tls.certificates'),
    ),
    renewBeforeDays: count('Days left when a certificate is renewed; a third of its life, where that is less', 30, {
      maximum: 365,
    }),
    caFile: Type.Optional(filePath('Certificates (PEM) that the directory is checked against; unset: the well-known')),
  },
  { ...closed, description: 'Certificates had by ACME' },
);
