export type CredentialsErrorCode =
  /** There is no such store. */
  | 'SP_CREDENTIALS_NOT_FOUND'
  /** The store or its pepper cannot be read or written. */
  | 'SP_CREDENTIALS_IO'
  /** The store's text is not what this version writes. */
  | 'SP_CREDENTIALS_BROKEN'
  /** The pepper is missing or damaged: no secret can be checked. */
  | 'SP_CREDENTIALS_PEPPER'
  /** Another writer held the store for too long. */
  | 'SP_CREDENTIALS_LOCKED'
  /** A name, role, glob or overlap that cannot be. */
  | 'SP_CREDENTIALS_ARGUMENT'
  /** No credential has this id or principal. */
  | 'SP_CREDENTIALS_UNKNOWN'
  /** A principal with several credentials, where one has to be meant. */
  | 'SP_CREDENTIALS_AMBIGUOUS'
  /** Lines that cannot be imported; nothing was. */
  | 'SP_CREDENTIALS_IMPORT'
  /** The store holds as many as it may. */
  | 'SP_CREDENTIALS_FULL';

export interface LineProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Holds no secret and no piece of a file's text. */
export interface CredentialsError {
  readonly code: CredentialsErrorCode;
  readonly message: string;
  /** How to put it right. */
  readonly hint: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** All broken lines of an import. */
  readonly problems?: readonly LineProblem[];
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: CredentialsError };

export function done<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failed(
  code: CredentialsErrorCode,
  message: string,
  hint: string,
  place: Pick<CredentialsError, 'file' | 'line' | 'problems'> = {},
): Result<never> {
  return { ok: false, error: { code, message, hint, ...place } };
}

/** The file system's own code (`ENOENT`), which is fit to print where the message may not be. */
export function systemCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}
