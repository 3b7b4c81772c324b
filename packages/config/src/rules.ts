import { isLoopbackHost } from './parts.ts';
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

export const RULES: readonly Rule[] = [
  ...adminRules,
  ...plainLinkRules,
  slotsForLinks,
  sessionsOnce,
  ordered('client.reconnectMinMs', 'client.reconnectMaxMs', ({ client }) => [
    client.reconnectMinMs,
    client.reconnectMaxMs,
  ]),
  ordered('link.windowMaxBytes', 'link.windowBudgetBytes', ({ link }) => [link.windowMaxBytes, link.windowBudgetBytes]),
  ordered('entry.targetBytes', 'entry.requestHeadBytes', ({ entry }) => [entry.targetBytes, entry.requestHeadBytes]),
];
