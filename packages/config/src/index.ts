export { changesFor } from './compare.ts';
export type { Changes } from './compare.ts';
export { CREDENTIAL_VARIABLE, OTHER_VARIABLES } from './environment.ts';
export type { Environment } from './environment.ts';
export { DEFAULT_CONFIG_FILE, loadConfig } from './load.ts';
export type { LoadOptions, LoadResult, Origins, Override } from './load.ts';
export { LEAVES } from './leaves.ts';
export type { Leaf } from './leaves.ts';
export { SESSION_ID_PATTERN, isLoopbackHost } from './parts.ts';
export { printConfig } from './print.ts';
export { formatProblem } from './problem.ts';
export type { Origin, Problem } from './problem.ts';
export { redactUrl } from './redact.ts';
export { configReference, configSchema } from './reference.ts';
export { readRegularFile, readRegularFileSync } from './regular-file.ts';
export type { FileText } from './regular-file.ts';
export { judgeReplacement } from './replacement.ts';
export type { Unfit } from './replacement.ts';
export { CONFIG_SCHEMA } from './schema.ts';
export type {
  AdminConfig,
  BackendConfig,
  ClientConfig,
  Config,
  EntryConfig,
  LinkConfig,
  LogConfig,
  ServerConfig,
  SessionConfig,
  TracingConfig,
} from './schema.ts';
export { secretFromFileOrEnv } from './secret.ts';
export type { SecretErrorCode, SecretOptions, SecretResult } from './secret.ts';
