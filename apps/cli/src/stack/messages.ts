/** What `sallyport up` and the processes it starts say to each other over Node's channel. */
import type { Config } from '@sallyport/config';

export type PartName = 'server' | 'entry' | 'client' | 'backend';

export interface Credential {
  readonly id: string;
  readonly secret: string;
}

/** Sent once. Secrets travel in it, and nowhere else: not in arguments, not in the environment, not on disk. */
export interface StartMessage {
  readonly kind: 'start';
  readonly part: PartName;
  readonly config: Config;
  readonly credential?: Credential;
}

export type PartMessage = ReadyMessage | { readonly kind: 'failed'; readonly exit: number; readonly message: string };

export interface ReadyMessage {
  readonly kind: 'ready';
  readonly url: string;
  readonly adminUrl: string;
  /** The entry's by TLS, where there is one. */
  readonly tlsUrl?: string;
  /** The server's: made in its memory for the rest of the stack. */
  readonly credentials?: { readonly entry: Credential; readonly client: Credential };
}
