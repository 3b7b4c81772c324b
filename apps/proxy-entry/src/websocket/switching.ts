/** What a 101 may switch to, and whether it is WebSocket. Fields are flat: name, value, … */
import { valuesOf } from '../fields/values.ts';

/** RFC 9110 §7.8: the answer names what it switches to, and only what it was asked for. Versions are the backend's. */
export function switchesAsAsked(asked: readonly string[], answered: readonly string[]): boolean {
  const wanted = protocolsOf(asked);
  const chosen = protocolsOf(answered);
  return chosen.length > 0 && chosen.every((name) => wanted.includes(name));
}

/** RFC 6455 §4.2.2: by both fields, since what was called so before had other frames. */
export function isWebSocket(answered: readonly string[]): boolean {
  return protocolsOf(answered).includes('websocket') && valuesOf(answered, 'sec-websocket-accept').length === 1;
}

/** Names of `Upgrade`, in lower case and without versions. */
function protocolsOf(fields: readonly string[]): string[] {
  const names = valuesOf(fields, 'upgrade').flatMap((value) => value.split(','));
  return names.map((each) => each.split('/')[0]!.trim().toLowerCase()).filter((name) => name !== '');
}
