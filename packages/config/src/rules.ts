import { SESSION_ID_PATTERN, isLoopbackHost } from './parts.ts';
import type { Config } from './schema.ts';

/** A rule between settings. It is judged only when each of its settings is sound by itself. */
export interface Rule {
  /** The settings it reads; a breach is reported at the first. */
  readonly paths: readonly string[];
  readonly check: (config: Config) => { readonly message: string; readonly hint: string } | undefined;
}

const adminRules: readonly Rule[] = (['entry', 'server', 'client'] as const).map((part) => ({
  paths: [`${part}.admin.host`, `${part}.admin.credentials`],
  check: (config) => {
    const { host, credentials } = config[part].admin;
    if (isLoopbackHost(host) || credentials !== undefined) return undefined;
    return {
      message: 'is not loopback, and the admin port would be open to all',
      hint: `set ${part}.admin.credentials, or use 127.0.0.1`,
    };
  },
}));

/** `low` must not exceed `high`. */
function ordered(low: string, high: string, values: (config: Config) => readonly [number, number]): Rule {
  return {
    paths: [low, high],
    check: (config) => {
      const [lowValue, highValue] = values(config);
      if (lowValue <= highValue) return undefined;
      return { message: `${lowValue} is more than ${high}, ${highValue}`, hint: 'lower it, or raise the other' };
    },
  };
}

const plainLinkRules: readonly Rule[] = (['entry', 'client'] as const).map((part) => ({
  paths: [`${part}.servers`, 'link.allowPlain'],
  check: (config) => {
    if (config.link.allowPlain) return undefined;
    const plain = config[part].servers
      .map((server) => new URL(server))
      .find((url) => url.protocol === 'ws:' && !isLoopbackHost(url.hostname));
    if (plain === undefined) return undefined;
    return {
      message: `ws:// to ${plain.host} would send credentials and requests in the clear`,
      hint: 'use wss://, or set link.allowPlain',
    };
  },
}));

type AcmeConfig = Config['entry']['tls']['acme'];

/** `needed` must be as `isMet` says once there are names to have certificates for. */
function acmeRule(needed: string, hint: string, isMet: (acme: AcmeConfig, config: Config) => boolean): Rule {
  return {
    paths: ['entry.tls.acme.names', needed],
    check: (config) => {
      const { acme } = config.entry.tls;
      return acme.names.length === 0 || isMet(acme, config) ? undefined : { message: `needs ${needed}`, hint };
    },
  };
}

const acmeRules: readonly Rule[] = [
  acmeRule('entry.tls.certificates', 'name the folder that they are kept in', (_acme, { entry }) => {
    return entry.tls.certificates !== undefined;
  }),
  acmeRule(
    'entry.tls.acme.termsAgreed',
    "read the authority's terms, and set it to true",
    ({ termsAgreed }) => termsAgreed,
  ),
  acmeRule('entry.tls.acme.dnsHook', 'name the program for dns-01', ({ challenge, dnsHook }) => {
    return challenge !== 'dns-01' || dnsHook !== undefined;
  }),
  acmeRule('entry.tls.acme.challenge', 'use dns-01 for names with *, as no other is there for them', (acme) => {
    return acme.challenge === 'dns-01' || !acme.names.some((name) => name.startsWith('*'));
  }),
];

type Files = { readonly certificateFile?: string; readonly keyFile?: string; readonly clientCaFile?: string };

/** A certificate without its key is none. `of`: the settings at `path`. */
function certificateRules(path: string, of: (config: Config) => Files): readonly Rule[] {
  const needs = (setting: keyof Files, needed: keyof Files): Rule => ({
    paths: [`${path}.${setting}`, `${path}.${needed}`],
    check: (config) => {
      const files = of(config);
      if (files[setting] === undefined || files[needed] !== undefined) return undefined;
      return { message: `needs ${path}.${needed}`, hint: `set ${path}.${needed}, or leave this one out` };
    },
  });
  return [
    needs('certificateFile', 'keyFile'),
    needs('keyFile', 'certificateFile'),
    needs('clientCaFile', 'certificateFile'),
  ];
}

const slotsForLinks: Rule = {
  paths: ['client.concurrency', 'client.links', 'client.servers', 'client.sessions'],
  check: ({ client }) => {
    const links = client.links * client.servers.length;
    const least = Math.min(
      client.concurrency,
      ...client.sessions.map((session) => session.concurrency ?? client.concurrency),
    );
    if (least >= links) return undefined;
    return {
      message: `${least} slots are fewer than the ${links} links they are divided among`,
      hint: `use ${links} or more, or fewer links`,
    };
  },
};

const sessionsOnce: Rule = {
  paths: ['client.sessions'],
  check: ({ client }) => {
    const seen = new Set<string>();
    for (const { id } of client.sessions) {
      if (seen.has(id)) return { message: `offers the session ${id} twice`, hint: 'give each session its own id' };
      seen.add(id);
    }
    return undefined;
  },
};

/** What of TLS at the entry means nothing, or not what was meant, without something else. */
const entryTlsRules: readonly Rule[] = [
  tlsRule('redirectPort', 'certificates', ({ redirectPort, certificates }) => {
    return redirectPort > 0 && certificates === undefined;
  }),
  tlsRule('hstsMaxAgeS', 'certificates', ({ hstsMaxAgeS, certificates }) => {
    return hstsMaxAgeS > 0 && certificates === undefined;
  }),
  tlsRule('linkPath', 'certificates', ({ linkPath, certificates }) => {
    return linkPath !== undefined && certificates === undefined;
  }),
  tlsRule('clientCertificates', 'certificates', ({ clientCertificates, certificates }) => {
    return clientCertificates !== 'off' && certificates === undefined;
  }),
  tlsRule('clientCertificates', 'clientCaFile', ({ clientCertificates, clientCaFile }) => {
    return clientCertificates !== 'off' && clientCaFile === undefined;
  }),
  {
    paths: ['entry.tls.clientCertificateHosts', 'entry.tls.clientCertificates'],
    check: ({ entry: { tls } }) => {
      if (tls.clientCertificateHosts.length === 0 || tls.clientCertificates !== 'off') return undefined;
      const hint = 'set entry.tls.clientCertificates to optional or required';
      return { message: 'asks for certificates that no visitor is asked for', hint };
    },
  },
  {
    // Its session is what wants the certificate: without one another Host would be a way round it.
    paths: ['entry.tls.clientCertificateHosts', 'entry.hosts', 'entry.domain'],
    check: ({ entry }) => {
      const astray = entry.tls.clientCertificateHosts.find((host) => !leadsToSession(host, entry));
      if (astray === undefined) return undefined;
      return { message: `${astray} leads to no session`, hint: 'map it in entry.hosts, or use <id>.<entry.domain>' };
    },
  },
];

function leadsToSession(host: string, { hosts, domain }: Config['entry']): boolean {
  if (Object.hasOwn(hosts, host)) return true;
  return domain !== undefined && host.endsWith(`.${domain}`) && SESSION_ID.test(host.slice(0, -domain.length - 1));
}

const SESSION_ID = new RegExp(SESSION_ID_PATTERN);

/** `setting` of entry.tls needs another one, `needed`, to be set. */
function tlsRule(setting: string, needed: string, isBroken: (tls: Config['entry']['tls']) => boolean): Rule {
  return {
    paths: [`entry.tls.${setting}`, `entry.tls.${needed}`],
    check: ({ entry: { tls } }) => {
      if (!isBroken(tls)) return undefined;
      return { message: `needs entry.tls.${needed}`, hint: `set entry.tls.${needed}, or leave this one out` };
    },
  };
}

const backendProtocols: Rule = {
  paths: ['client.sessions'],
  check: ({ client }) => {
    for (const { id, backend, protocol, proxyProtocol } of client.sessions) {
      const isTls = backend.startsWith('https:');
      if (protocol === 'h2' && !isTls) {
        return { message: `asks for h2 without TLS in session ${id}`, hint: 'use https://, or h2c' };
      }
      if (protocol === 'h2c' && isTls) {
        return { message: `asks for h2c to an https:// backend in session ${id}`, hint: 'use http://, or h2' };
      }
      if (proxyProtocol !== 'off' && (isTls || protocol !== 'http1')) {
        return {
          message: `asks for the PROXY protocol with TLS or HTTP/2 in session ${id}`,
          hint: 'it is there for http1 without TLS',
        };
      }
    }
    return undefined;
  },
};

const tracingHeaders: Rule = {
  paths: ['tracing.headersFile', 'tracing.endpoint'],
  check: ({ tracing }) => {
    if (tracing.headersFile === undefined || tracing.endpoint !== undefined) return undefined;
    return { message: 'needs tracing.endpoint', hint: 'set tracing.endpoint, or leave this one out' };
  },
};

export const RULES: readonly Rule[] = [
  ...adminRules,
  ...plainLinkRules,
  ...entryTlsRules,
  ...acmeRules,
  ...certificateRules('link', ({ link }) => link),
  ...certificateRules('server.tls', ({ server }) => server.tls),
  slotsForLinks,
  sessionsOnce,
  backendProtocols,
  tracingHeaders,
  ordered('tracing.batchSpans', 'tracing.queueSpans', ({ tracing }) => [tracing.batchSpans, tracing.queueSpans]),
  ordered('client.reconnectMinMs', 'client.reconnectMaxMs', ({ client }) => [
    client.reconnectMinMs,
    client.reconnectMaxMs,
  ]),
  ordered('link.windowMaxBytes', 'link.windowBudgetBytes', ({ link }) => [link.windowMaxBytes, link.windowBudgetBytes]),
  ordered('entry.targetBytes', 'entry.requestHeadBytes', ({ entry }) => [entry.targetBytes, entry.requestHeadBytes]),
];
