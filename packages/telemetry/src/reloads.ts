/** The configuration loaded again while a part runs: one at a time, counted and logged, whoever asked for it. */
import type { Logger } from 'pino';
import type { Telemetry } from './telemetry.ts';

export type ReloadRefused = {
  readonly ok: false;
  /** One line each. */
  readonly problems: readonly string[];
  /** Settings that were changed and need a restart. */
  readonly restart: readonly string[];
};

export type ReloadResult =
  /** `changed`: settings that have another value now. Files that a setting names are read again in any case. */
  { readonly ok: true; readonly changed: readonly string[] } | ReloadRefused;

export type ReloadOptions<Next> = {
  /** What is to be in force, judged in full. */
  readonly read: () => Promise<
    { readonly ok: true; readonly changed: readonly string[]; readonly next: Next } | ReloadRefused
  >;
  /** Does all that can fail and changes nothing; the answer puts it in force and cannot fail. Rejects with what is wrong. */
  readonly prepare: (next: Next) => Promise<() => void | Promise<void>>;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  readonly telemetry: Pick<Telemetry, 'gauge' | 'labelledCounter'>;
};

const MS_PER_S = 1000;

export class Reloads {
  readonly #attempt: () => Promise<ReloadResult>;
  readonly #logger: Pick<Logger, 'info' | 'error'>;
  readonly #outcomes: { inc(outcome: 'applied' | 'refused'): void };
  #isLastApplied = true;
  #appliedAtMs = Date.now();
  /** The one that runs, or the last that ran. */
  #last: Promise<unknown> = Promise.resolve();
  /** The one that begins when that has ended. */
  #next: Promise<ReloadResult> | null = null;

  constructor(
    attempt: () => Promise<ReloadResult>,
    { logger, telemetry }: Pick<ReloadOptions<never>, 'logger' | 'telemetry'>,
  ) {
    this.#attempt = attempt;
    this.#logger = logger;
    this.#outcomes = telemetry.labelledCounter('sallyport_config_reloads_total', 'outcome', ['applied', 'refused']);
    telemetry.gauge('sallyport_config_last_reload_successful', {}, () => (this.#isLastApplied ? 1 : 0));
    telemetry.gauge('sallyport_config_last_reload_timestamp_seconds', {}, () => this.#appliedAtMs / MS_PER_S);
  }

  /** Never rejects. Who asks while one runs shares the next one with all who wait: it reads what the files hold by then. */
  run(): Promise<ReloadResult> {
    this.#next ??= this.#last.then(() => {
      this.#next = null;
      return this.#once();
    });
    this.#last = this.#next;
    return this.#next;
  }

  async #once(): Promise<ReloadResult> {
    const result = await this.#attempt();
    this.#isLastApplied = result.ok;
    this.#outcomes.inc(result.ok ? 'applied' : 'refused');
    if (result.ok) {
      this.#appliedAtMs = Date.now();
      this.#logger.info({ changed: result.changed }, 'configuration reloaded');
    } else {
      const { problems, restart } = result;
      this.#logger.error({ problems, restart }, 'configuration not reloaded: what was in force stays');
    }
    return result;
  }
}

export function createReloads<Next>(options: ReloadOptions<Next>): Reloads {
  return new Reloads(() => attempt(options), options);
}

async function attempt<Next>({ read, prepare }: ReloadOptions<Next>): Promise<ReloadResult> {
  try {
    const found = await read();
    if (!found.ok) return found;
    const apply = await prepare(found.next);
    await apply();
    return { ok: true, changed: found.changed };
  } catch (error) {
    const { message, fix } = error as Error & { fix?: string };
    return { ok: false, problems: [fix === undefined ? message : `${message}; ${fix}`], restart: [] };
  }
}
