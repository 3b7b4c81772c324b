/** What admin ports answer, as far as it has the form that ours have. Pure. */
import type { Answer } from './reach.ts';

export interface Readiness {
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** A line of the server's `/api/sessions`. */
export interface SessionLine {
  readonly session: string;
  readonly links: number;
  readonly free: number;
  readonly busy: number;
  readonly waiting: number;
  /** Of its client, also of the last one that it had. */
  readonly principal?: string | null;
}

/** A line of the server's `/api/links`; the last three are those of clients. */
export interface LinkLine {
  readonly kind: string;
  readonly principal: string;
  readonly remote: string;
  readonly session?: string | null;
  readonly isLate?: boolean;
  readonly isEjected?: boolean;
}

/** A line of the entry's `/api/servers`. */
export interface ServerLine {
  readonly server: string;
  readonly isUp: boolean;
}

/** A line of the client's `/api/sessions`; counts are from its start on. */
export interface OfferLine {
  readonly session: string;
  readonly backend: string;
  readonly answers: number;
  /** Of these, 5xx. */
  readonly serverErrors: number;
  readonly backendSeconds: number;
  /** Null: it answered last. */
  readonly lastFailure?: string | null;
  /** `2026-11-21T07:48:02.790Z`; an older client does not say. */
  readonly lastFailureAt?: string | null;
  /** Slots. */
  readonly busy?: number;
  readonly free?: number;
}

export interface Lists {
  readonly sessions: readonly SessionLine[];
  readonly links: readonly LinkLine[];
  readonly servers: readonly ServerLine[];
  readonly offers: readonly OfferLine[];
}

/** Who has a list, where, and the fields of a line that must be there, and may be. */
export const LISTS = {
  sessions: {
    part: 'server',
    path: '/api/sessions',
    needs: { session: 'string', links: 'number', free: 'number', busy: 'number', waiting: 'number' },
    may: { principal: 'string' },
  },
  links: {
    part: 'server',
    path: '/api/links',
    needs: { kind: 'string', principal: 'string', remote: 'string' },
    may: { session: 'string' },
  },
  servers: { part: 'entry', path: '/api/servers', needs: { server: 'string', isUp: 'boolean' }, may: {} },
  offers: {
    part: 'client',
    path: '/api/sessions',
    needs: {
      session: 'string',
      backend: 'string',
      answers: 'number',
      serverErrors: 'number',
      backendSeconds: 'number',
    },
    may: { lastFailure: 'string', lastFailureAt: 'string', busy: 'number', free: 'number' },
  },
} as const;

/** Null: there is one of another form. */
export function linesOf<Name extends keyof Lists>(name: Name, body: string): Lists[Name] | null {
  const value = parse(body);
  const { needs, may } = LISTS[name];
  return Array.isArray(value) && value.every((line) => hasFields(line, needs, may)) ? (value as Lists[Name]) : null;
}

/** Null: whoever answers is no part of ours. */
export function readinessOf({ status, body }: Answer): Readiness | null {
  if (status !== 200 && status !== 503) return null;
  const value = parse(body);
  if (!hasFields(value, { checks: 'object' }, {})) return null;
  const { checks } = value as Readiness;
  const isReadiness =
    checks !== null &&
    !Array.isArray(checks) &&
    Object.values(checks).every((check) => hasFields(check, { ok: 'boolean' }, { detail: 'string' }));
  return isReadiness ? { checks } : null;
}

type FieldTypes = Readonly<Record<string, string>>;

/** `may`: null or missing is as good. */
function hasFields(value: unknown, needs: FieldTypes, may: FieldTypes): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const isFine = (name: string, type: string, isOptional: boolean) =>
    typeof fields[name] === type || (isOptional && (fields[name] ?? null) === null);
  return (
    Object.entries(needs).every(([name, type]) => isFine(name, type, false)) &&
    Object.entries(may).every(([name, type]) => isFine(name, type, true))
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
