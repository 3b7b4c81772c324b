/** What a library's error means in the protocol's words. */
import { StreamCode } from '@sallyport/protocol';

/** undici's for an answer whose lengths contradict each other or its chunks. */
const LENGTH_MISMATCH = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

/** undici's for a request that it will not send. */
const UNSENDABLE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/** `isConnected`: the request had a connection. */
export function failureCode(error: Error & { code?: string }, isConnected: boolean): StreamCode {
  const code = error.code ?? '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT') {
    return StreamCode.BACKEND_TIMEOUT;
  }
  if (UNSENDABLE.has(code)) return StreamCode.BAD_HEAD;
  if (!isConnected) return StreamCode.BACKEND_REFUSED;
  // node:http names llhttp's errors by code, undici's class for them comes without one.
  const isUnreadable = code.startsWith('HPE_') || error.name === 'HTTPParserError';
  if (isUnreadable || code === 'UND_ERR_HEADERS_OVERFLOW' || code === LENGTH_MISMATCH) return StreamCode.BAD_HEAD;
  return StreamCode.BACKEND_RESET;
}
