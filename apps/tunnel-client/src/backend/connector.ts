/** Connections for undici: by its own connector, with three of its choices undone. */
import { buildConnector } from 'undici';
import { tlsName } from './tls-name.ts';
import type { BackendOptions } from './transport.ts';

/** `socketPath`: a Unix socket instead of the host. */
export function backendConnector(options: BackendOptions, socketPath: string | undefined): buildConnector.connector {
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    // Over HTTP/2 undici gives no raw fields, and takes some resets of a stream for its end.
    allowH2: false,
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  // Else undici would ask for the visitor's Host.
  const servername = socketPath === undefined ? tlsName(options) : '';
  return (to, callback) =>
    connect({ ...to, servername }, (...result) => {
      // Before undici's own listener.
      result[1]?.on('error', revealReset);
      callback(...result);
    });
}

/** undici takes ECONNRESET for the end of a body without a length. Such a body was cut. */
function revealReset(error: Error & { code?: string }): void {
  if (error.code === 'ECONNRESET') error.code = 'SP_CONNECTION_RESET';
}
