/** What a socket's error means in the protocol's words. */
import { StreamCode } from '@sallyport/protocol';

/** `isConnected`: the request had a connection. */
export function failureCode({ code }: Error & { code?: string }, isConnected: boolean): StreamCode {
  if (code === 'ETIMEDOUT') return StreamCode.BACKEND_TIMEOUT;
  return isConnected ? StreamCode.BACKEND_RESET : StreamCode.BACKEND_REFUSED;
}
