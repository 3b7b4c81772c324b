import { STATUS_CODES } from 'node:http';
import { PROBLEM_SCHEMA, PROBLEM_TYPE } from './admin-problem.ts';

/** A route as fastify announces it. */
export type ApiRoute = { method: string; path: string; schema: RouteSchema };

type Json = Record<string, unknown>;

/** The parts of a fastify schema that the description is made from. */
export type RouteSchema = {
  summary?: string;
  params?: unknown;
  querystring?: unknown;
  body?: unknown;
  response?: unknown;
};

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const PATH_PARAMETER = /:([A-Za-z0-9_]+)(?:\([^)]*\))?/g;

/**
 * The OpenAPI 3.1 document of the routes. Their JSON Schemas go in as they are, since 3.1 speaks JSON Schema; a response
 * may bring its own `content` where it is not JSON. `secured`: the routes but those of health need a bearer credential.
 */
export function openApiDocument(
  routes: readonly ApiRoute[],
  info: { title: string; version: string },
  secured: (path: string) => boolean,
): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(PATH_PARAMETER, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path, secured(route.path)) };
  }
  const components = {
    schemas: { Problem: PROBLEM_SCHEMA },
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
  };
  return { openapi: '3.1.0', info, paths, components };
}

function operation({ method, path: rawPath, schema }: ApiRoute, path: string, secured: boolean): Json {
  const names = Array.from(rawPath.matchAll(PATH_PARAMETER), (match) => match[1]!);
  const parameters = [
    ...names.map((name) => pathParameter(name, schema.params)),
    ...queryParameters(schema.querystring),
  ];
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    summary: schema.summary ?? `${method} ${path}`,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(isObject(schema.body) ? { requestBody: { required: true, content: json(schema.body) } } : {}),
    responses: responses(schema.response),
    ...(secured ? { security: [{ bearer: [] }] } : {}),
  };
}

const json = (schema: unknown): Json => ({ 'application/json': { schema } });

const pathParameter = (name: string, params: unknown): Json => ({
  name,
  in: 'path',
  required: true,
  schema: properties(params)[name] ?? { type: 'string' },
});

const queryParameters = (query: unknown): Json[] =>
  Object.entries(properties(query)).map(([name, schema]) => ({
    name,
    in: 'query',
    required: isObject(query) && Array.isArray(query['required']) && query['required'].includes(name),
    schema,
  }));

const properties = (schema: unknown): Json =>
  isObject(schema) && isObject(schema['properties']) ? schema['properties'] : {};

function responses(response: unknown): Json {
  const described: Json = {};
  for (const [status, schema] of Object.entries(isObject(response) ? response : { 200: {} })) {
    const own = isObject(schema) ? schema : {};
    const description = own['description'] ?? STATUS_CODES[status] ?? status;
    described[status.toUpperCase()] = {
      description,
      content: isObject(own['content']) ? own['content'] : json(schema),
    };
  }
  const problem = { schema: { $ref: '#/components/schemas/Problem' } };
  described['default'] = { description: 'An error', content: { [PROBLEM_TYPE]: problem } };
  return described;
}
