/** What the admin API changes in a part that runs: the configuration loaded again, the level of the log. */
import type { FastifyInstance } from 'fastify';
import { LOG_LEVELS, type Logger } from './logger.ts';
import type { Reloads } from './reloads.ts';

export type Control = {
  logger: Logger;
  /** Without it there is no /api/reload: this part was given its settings once and for all. */
  reloads?: Reloads | undefined;
};

const LEVEL_SCHEMA = {
  type: 'object',
  required: ['level'],
  additionalProperties: false,
  properties: { level: { type: 'string', enum: LOG_LEVELS, description: 'Least severe level that is logged.' } },
} as const;

const PATHS = { type: 'array', items: { type: 'string' } } as const;
const EMPTY_SCHEMA = { type: 'object', additionalProperties: false, properties: {} } as const;
const RELOADED_SCHEMA = { type: 'object', required: ['changed'], properties: { changed: PATHS } } as const;

/** The configuration was refused whole: a problem for each line, and the settings that need a restart. */
class ReloadRefusedError extends Error {
  readonly statusCode = 409;
  readonly code = 'SP_RELOAD_REFUSED';
  readonly more: { readonly problems: readonly string[]; readonly restart: readonly string[] };

  constructor(problems: readonly string[], restart: readonly string[]) {
    super('the configuration was refused whole, and what was in force stays');
    this.more = { problems, restart };
  }
}

export function addControl(api: FastifyInstance, { logger, reloads }: Control): void {
  const told = { response: { 200: LEVEL_SCHEMA } };
  api.get('/log-level', { schema: { summary: 'The least severe level that is logged.', ...told } }, () => ({
    level: logger.level,
  }));
  const summary = 'Another level, until the configuration is loaded again.';
  api.put<{ Body: { level: string } }>(
    '/log-level',
    { schema: { summary, body: LEVEL_SCHEMA, ...told } },
    ({ body: { level } }) => {
      logger.warn({ from: logger.level, to: level }, 'log level changed');
      logger.level = level;
      return { level };
    },
  );
  if (reloads === undefined) return;
  const reload = {
    summary: 'Loads the configuration again; refused whole (409) where any of it cannot be put in force.',
    body: EMPTY_SCHEMA,
    response: { 200: RELOADED_SCHEMA },
  };
  api.post('/reload', { schema: reload }, async () => {
    const result = await reloads.run();
    if (!result.ok) throw new ReloadRefusedError(result.problems, result.restart);
    return { changed: result.changed };
  });
}
