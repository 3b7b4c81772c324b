/** What a library's error means in the protocol's words. */
import { StreamCode } from '@sallyport/protocol';

/** `isConnected`: the request had a connection. */
export function failureCode(error: Error & { code?: string }, isConnected: boolean): StreamCode {
  const code = error.code ?? '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT') {
    return StreamCode.BACKEND_TIMEOUT;
  }
  if (!isConnected) return StreamCode.BACKEND_REFUSED;
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return StreamCode.BAD_HEAD;
  return StreamCode.BACKEND_RESET;
}
