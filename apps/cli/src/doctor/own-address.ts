/** Whether what is sent to a URL stays on this machine. */
import { networkInterfaces } from 'node:os';
import { isLoopbackHost } from '@sallyport/telemetry';
import { addressOf, resolveName } from './reach.ts';

export async function isOwnAddress(url: URL, timeoutMs: number): Promise<boolean> {
  if (isLoopbackHost(url.hostname)) return true;
  const own = new Set(Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)));
  const found = await resolveName(addressOf(url).host, timeoutMs);
  return found.ok && found.value.length > 0 && found.value.every((address) => own.has(address));
}
