/** What the parts' settings have in common. */
import { Type } from 'typebox';
import { bindHost, filePath, linkUrl, milliseconds, port } from '../parts.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const closed = { additionalProperties: false } as const;
export const DEFAULT_SERVER_URL = 'ws://127.0.0.1:12001';
// The wire's own caps on a head (bytes and lines): a setting can lower them, never raise them.
export const HEAD_CAP_BYTES = 64 * KIB;
export const HEAD_CAP_LINES = 1000;

export function admin(part: string, fallbackPort: number) {
  return Type.Object(
    {
      host: bindHost(`Address of the ${part}'s admin port; anything but loopback needs admin.credentials`),
      port: port(`The ${part}'s admin port (health, metrics, API)`, fallbackPort),
      credentials: Type.Optional(filePath('Credential store whose admin credentials may use this port')),
    },
    { ...closed, description: `Health, metrics and API of the ${part}` },
  );
}

export function servers(description: string) {
  return Type.Array(linkUrl(), {
    description,
    default: [DEFAULT_SERVER_URL],
    minItems: 1,
    maxItems: 64,
    uniqueItems: true,
  });
}

export const drainTimeout = (what: string) =>
  milliseconds(`How long a stop waits for ${what} before it cuts them`, 30_000, { minimum: 0 });
