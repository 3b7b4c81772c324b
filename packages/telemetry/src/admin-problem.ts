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
  const { statusCode, code, message } = error as { statusCode?: unknown; code?: unknown; message?: unknown };
  const known = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600;
  const status = known ? statusCode : 500;
  return problem(status, requestId, {
    ...(typeof code === 'string' && code.startsWith('SP_') ? { code } : {}),
    ...(status < 500 && typeof message === 'string' ? { detail: message } : {}),
  });
}
