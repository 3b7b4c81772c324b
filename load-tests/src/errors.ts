/** Stable codes of what can go wrong with a load test. */
export type LoadErrorCode =
  | 'SP_LOAD_OPTIONS'
  | 'SP_LOAD_PROFILE'
  | 'SP_LOAD_TARGET'
  | 'SP_LOAD_TARGET_NOT_LOCAL'
  | 'SP_LOAD_TARGETS'
  | 'SP_LOAD_CREDENTIALS'
  | 'SP_LOAD_RATE_CEILING'
  | 'SP_LOAD_TLS'
  | 'SP_LOAD_PREFLIGHT'
  | 'SP_LOAD_RECORD'
  | 'SP_LOAD_FAIL_IF'
  | 'SP_LOAD_NO_K6'
  | 'SP_LOAD_NO_CHROMIUM'
  | 'SP_LOAD_UNREACHABLE'
  | 'SP_LOAD_REPORT'
  | 'SP_LOAD_STACK'
  | 'SP_LOAD_ENGINE';

/**
 * A load test that cannot run. `message` is one line and says how to fix it; `exitCode` is 2 for what the caller
 * asked wrongly, 1 for what broke while running.
 */
export class LoadError extends Error {
  readonly code: LoadErrorCode;
  readonly exitCode: 1 | 2;

  constructor(code: LoadErrorCode, message: string, exitCode: 1 | 2 = 2) {
    super(message);
    this.name = 'LoadError';
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** For options that do not fit: `SP_LOAD_OPTIONS` of exit code 2. `message` is one line and says how to fix it. */
export function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_OPTIONS', message);
}
