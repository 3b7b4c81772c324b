/** The one session that a backend's URL and flags make, for `up` and `client`. */
import { Option } from 'commander';

export interface BackendFlags {
  readonly protocol?: string;
}

/** One for each command: commander keeps it. */
export function protocolOption(): Option {
  return new Option('--protocol <name>', 'what the backend speaks (default: http1)').choices(['http1', 'h2', 'h2c']);
}

/** As `client.sessions` has it. */
export function sessionsOf(id: string | undefined, url: string, { protocol }: BackendFlags): object[] {
  return [{ id, backend: url.replace(/\/$/, ''), ...(protocol === undefined ? {} : { protocol }) }];
}
