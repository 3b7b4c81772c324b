/** What a reload replaces in the entry's core. */
import type { EntryConfig } from '@sallyport/config';
import type { LinkAddress } from '@sallyport/protocol';
import type { AccessLog } from '@sallyport/telemetry';
import { HeadPasses } from './fields/head-passes.ts';
import { OwnAnswers } from './own-answers.ts';
import type { EdgePolicy } from './tls/policy.ts';

export interface EntrySettingsOptions {
  readonly config: EntryConfig;
  /** Null: there is no TLS. */
  readonly edge: EdgePolicy | null;
  /** Null: no access log. */
  readonly accessLog: AccessLog | null;
  /** Where links go that come by `entry.tls.linkPath`; none: none does. */
  readonly linkServers: readonly LinkAddress[];
}

/** What was configured, and what is made of it. */
export class EntrySettings {
  readonly config: EntryConfig;
  readonly edge: EdgePolicy | null;
  readonly accessLog: AccessLog | null;
  readonly passes: HeadPasses;
  readonly ownAnswers: OwnAnswers;

  /** `pseudonym`: our name in Via. */
  constructor({ config, edge, accessLog }: EntrySettingsOptions, pseudonym: string) {
    const { trustedProxies, tls, serverTiming } = config;
    this.config = config;
    this.edge = edge;
    this.accessLog = accessLog;
    this.passes = new HeadPasses({ pseudonym, trustedProxies, hstsMaxAgeS: tls.hstsMaxAgeS });
    this.ownAnswers = new OwnAnswers(this.passes, serverTiming);
  }
}
