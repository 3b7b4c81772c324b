const CONTENT_TYPE = 'application/problem+json';
/** A problem document longer than this is not read to its end, and so not understood. */
export const MAX_PROBLEM_BYTES = 4096;

/** True for answers whose body says whose error it is. */
export function isProblem(contentType: string | string[] | undefined): boolean {
  return typeof contentType === 'string' && contentType.startsWith(CONTENT_TYPE);
}

/** The tunnel's own error: its stable `SP_…` code and the hop it names. Null for anybody else's (RFC 9457). */
export function parseProblem(text: string): { code: string; hop: string | null } | null {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof document !== 'object' || document === null) return null;
  const { code, hop } = document as { code?: unknown; hop?: unknown };
  if (typeof code !== 'string' || !/^SP_[A-Z0-9_]{1,60}$/.test(code)) return null;
  return { code, hop: typeof hop === 'string' && /^[a-z]{1,20}$/.test(hop) ? hop : null };
}
