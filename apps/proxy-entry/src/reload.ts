/** What a reload replaces in an entry that runs: first all that can fail, then all at once. */
import { readRegularFileSync } from '@sallyport/config';
import type { Config } from '@sallyport/config';
import { linkAddresses } from '@sallyport/protocol';
import type { LinkAddress } from '@sallyport/protocol';
import { createAccessLog, isLoopbackHost } from '@sallyport/telemetry';
import type { AccessLog, Logger, SloCounts } from '@sallyport/telemetry';
import type { Entry } from './entry.ts';
import type { TlsMaterial } from './tls/material.ts';
import { EdgePolicy } from './tls/policy.ts';
import type { Challenges } from './tls/policy.ts';
import type { Tracer } from './tracing/tracer.ts';
import type { Uplinks } from './uplinks.ts';
import type { ConfiguredVisitors } from './visitor/listen.ts';

/** What comes of a configuration that was read again. */
export interface Reread {
  readonly config: Config;
  readonly credential: { readonly id: string; readonly secret: string };
}

export interface InForce {
  config: Config;
  /** Null: no access log. */
  accessLog: AccessLog | null;
}

export interface Reloaded {
  /** Written to. */
  readonly inForce: InForce;
  readonly logger: Logger;
  readonly slo: SloCounts;
  /** Null: there are no traces. */
  readonly tracer: Tracer | null;
  readonly entry: Entry;
  readonly visitors: ConfiguredVisitors;
  readonly uplinks: Uplinks;
  /** Null: there is no TLS. */
  readonly material: TlsMaterial | null;
  /** Null: there is no ACME. */
  readonly challenges: Challenges | null;
}

/**
 * The answer puts it in force, and rejects only where the entry began to stop meanwhile. Rejects with a TlsError or a
 * LinkAddressError.
 */
export async function prepareReload(parts: Reloaded, { config, credential }: Reread): Promise<() => Promise<void>> {
  const { inForce, logger, slo, tracer, entry, visitors, uplinks, material } = parts;
  refuseIfStopping(entry);
  await material?.check(config.entry.tls);
  const addresses = addressesOf(config);
  const edge = edgeOf(config, parts.challenges);
  return async () => {
    // The look at the files takes its time, and a stopping entry makes no new links.
    refuseIfStopping(entry);
    inForce.config = config;
    logger.level = config.log.level;
    inForce.accessLog = config.log.accessLog ? createAccessLog(logger) : null;
    slo.objectives = config.slo;
    if (tracer !== null) tracer.sampleRatio = config.tracing.sampleRatio;
    const linkServers = passesLinks(config) ? addresses : [];
    entry.configure({ config: config.entry, edge, accessLog: inForce.accessLog, linkServers });
    visitors.configure(config.entry);
    uplinks.use(addresses, credential);
    await material?.configure(config.entry.tls);
  };
}

function refuseIfStopping({ isDraining }: Entry): void {
  if (isDraining) throw new Error('the entry is stopping');
}

/** Null: there is no TLS. */
export function edgeOf({ entry }: Config, challenges: Challenges | null): EdgePolicy | null {
  return entry.tls.certificates === undefined ? null : new EdgePolicy(entry, challenges);
}

/** Whether links of others are handed on. */
export function passesLinks({ entry }: Config): boolean {
  return entry.tls.linkPath !== undefined;
}

/** Throws a LinkAddressError. */
export function addressesOf({ entry, link }: Config): LinkAddress[] {
  const way = { files: link, env: process.env, isLoopback: isLoopbackHost, readFile: readRegularFileSync };
  return linkAddresses(entry.servers, way);
}
