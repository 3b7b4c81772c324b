import { STATUS_CODES } from 'node:http';

export const PROBLEM_TYPE = 'application/problem+json';

/** An error answer of ours (RFC 9457), with the same fields wherever it comes from. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  requestId: string;
  retryable: boolean;
  /** What of the body is wrong, as in RFC 9457 §3. */
  errors?: { pointer: string; detail: string }[];
  /** Of a refused reload: a line each. */
  problems?: readonly string[];
  /** Of a refused reload: settings that need a restart. */
  restart?: readonly string[];
};

export const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'requestId', 'retryable'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; begins with SP_.' },
    detail: { type: 'string' },
    requestId: { type: 'string' },
    retryable: { type: 'boolean' },
    errors: {
      type: 'array',
      description: 'What of the body is wrong.',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string', description: 'JSON Pointer.' }, detail: { type: 'string' } },
      },
    },
    problems: { type: 'array', items: { type: 'string' }, description: 'Of a refused reload: a line each.' },
    restart: { type: 'array', items: { type: 'string' }, description: 'Settings that need a restart.' },
  },
} as const;

const RETRYABLE = new Set([408, 429, 503]);

/** Codes by status; a route's own error may carry another one that begins with SP_. */
const CODES = new Map([
  [401, 'SP_ADMIN_UNAUTHORIZED'],
  [403, 'SP_ADMIN_FOREIGN_PAGE'],
  [404, 'SP_ADMIN_NOT_FOUND'],
]);

export function problem(status: number, requestId: string, more: { code?: string; detail?: string } = {}): Problem {
  const general = status >= 500 ? 'SP_ADMIN_FAILED' : 'SP_ADMIN_BAD_REQUEST';
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: more.code ?? CODES.get(status) ?? general,
    ...(more.detail === undefined ? {} : { detail: more.detail }),
    requestId,
    retryable: RETRYABLE.has(status),
  };
}

/** What was thrown in a route as an answer. The text of a fault of ours (5xx) stays in the log. */
export function problemOf(error: unknown, requestId: string): Problem {
  const { statusCode, code, message, validation, more } = error as Thrown;
  const known = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600;
  const status = known ? statusCode : 500;
  return {
    ...problem(status, requestId, {
      ...(typeof code === 'string' && code.startsWith('SP_') ? { code } : {}),
      ...(status < 500 && typeof message === 'string' ? { detail: message } : {}),
    }),
    ...(validation === undefined ? {} : { errors: validation.map(fieldProblem) }),
    ...more,
  };
}

type Thrown = {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  /** Of a body that is not as its route's schema has it. */
  readonly validation?: readonly FieldError[];
  /** Of an error of ours. */
  readonly more?: Partial<Problem>;
};

/** As ajv has it. */
type FieldError = {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
};

/** Which field, and what would be right. */
function fieldProblem({ instancePath, message = 'is not allowed', params }: FieldError) {
  const { allowedValues, missingProperty, additionalProperty } = params;
  const name = missingProperty ?? additionalProperty;
  const pointer = typeof name === 'string' ? `${instancePath}/${escaped(name)}` : instancePath;
  if (Array.isArray(allowedValues)) return { pointer, detail: `must be one of ${allowedValues.join(', ')}` };
  if (missingProperty !== undefined) return { pointer, detail: 'is missing' };
  return { pointer, detail: additionalProperty === undefined ? message : 'is not known here' };
}

/** RFC 6901 §3. */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
