import type { FastifyInstance } from 'fastify';
import { addControl } from './admin-control.ts';
import type { Verify } from './admin-guard.ts';
import type { Logger } from './logger.ts';
import { type ApiRoute, openApiDocument, type RouteSchema } from './openapi.ts';
import type { Reloads } from './reloads.ts';
import type { Telemetry } from './telemetry.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** What the route is for, in the OpenAPI document. */
    summary?: string;
  }
  interface FastifyContextConfig {
    /** Answers without a credential. */
    open?: boolean;
  }
}

export type Readiness = { ok: boolean; checks: Record<string, { ok: boolean; detail?: string }> };

export type AdminRoutes = (app: FastifyInstance) => void | Promise<void>;

type OwnRoutes = {
  telemetry: Telemetry;
  logger: Logger;
  reloads?: Reloads | undefined;
  ready: () => Readiness;
  routes?: AdminRoutes;
  verify?: Verify;
  openapi: { title: string; version: string };
  /** Whether what is not open needs a credential here. */
  secured: boolean;
};

const HEALTH_SCHEMA = { type: 'object', properties: { status: { type: 'string' } } } as const;

const CHECK_SCHEMA = { type: 'object', properties: { ok: { type: 'boolean' }, detail: { type: 'string' } } } as const;

const READY_SCHEMA = {
  type: 'object',
  properties: {
    status: { type: 'string' },
    checks: { type: 'object', additionalProperties: CHECK_SCHEMA },
  },
} as const;

const TEXT = { content: { 'text/plain': { schema: { type: 'string' } } } } as const;

/** Adds what every part has to answer, and under /api what this one does. */
export async function addOwnRoutes(app: FastifyInstance, own: OwnRoutes): Promise<void> {
  const described: ApiRoute[] = [];
  const openPaths = new Set<string>();
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    if (config?.open === true) openPaths.add(url);
    for (const one of [method].flat()) {
      if (one !== 'HEAD' && one !== 'OPTIONS') described.push({ method: one, path: url, schema: schemaOf(schema) });
    }
  });
  addHealth(app, own.ready);
  app.get('/metrics', { schema: { summary: 'Metrics for Prometheus.', response: { 200: TEXT } } }, async (_, reply) => {
    const text = await own.telemetry.metricsText();
    return reply.type(own.telemetry.contentType).send(text);
  });
  await app.register(
    async (api) => {
      addControl(api, own);
      await own.routes?.(api);
      const summary = 'This description.';
      const isSecured = (path: string): boolean => own.secured && !openPaths.has(path);
      api.get('/openapi.json', { schema: { summary } }, () => openApiDocument(described, own.openapi, isSecured));
    },
    { prefix: '/api' },
  );
}

function addHealth(app: FastifyInstance, ready: () => Readiness): void {
  const config = { open: true };
  const alive = { summary: 'Whether the process is alive.', response: { 200: HEALTH_SCHEMA } };
  app.get('/healthz', { config, schema: alive }, () => ({ status: 'ok' }));
  const can = {
    summary: 'Whether this part can do its job; fails first when draining.',
    response: { 200: READY_SCHEMA, 503: READY_SCHEMA },
  };
  app.get('/readyz', { config, schema: can }, (_, reply) => {
    const { ok, checks } = ready();
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ready' : 'not ready', checks });
  });
}

const schemaOf = (schema: unknown): RouteSchema => (typeof schema === 'object' && schema !== null ? schema : {});
