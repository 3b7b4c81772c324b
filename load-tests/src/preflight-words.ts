/** What the codes of systems, OpenSSL and HTTP mean for somebody who is about to start a load test. */

const WHY: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'nothing listens there'],
  [/^(ETIMEDOUT|UND_ERR_.*TIMEOUT)$/, 'there is no answer in time'],
  [/^ENOTFOUND$/, 'the name does not resolve'],
  [/^EAI_AGAIN$/, 'name resolution does not work now'],
  [/^E(HOST|NET)UNREACH$/, 'there is no route to it'],
  [/^(ECONNRESET|UND_ERR_SOCKET)$/, 'the connection was cut'],
  [/^HPE_/, 'it does not speak HTTP there'],
  [/CERTIFICATE_REQUIRED/, 'it asks for a client certificate'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+)/, 'it refuses the client certificate'],
  [/NO_APPLICATION_PROTOCOL/, 'it speaks neither h2 nor http/1.1 (ALPN)'],
  [/UNRECOGNIZED_NAME|HANDSHAKE_FAILURE/, 'it has no certificate for this name'],
  [/^EPROTO$|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'it does not speak TLS there'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'is for other names'],
  [/^CERT_HAS_EXPIRED$/, 'has expired'],
  [/^CERT_NOT_YET_VALID$/, 'is not valid yet'],
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, 'is self-signed'],
  [/^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/, 'comes from an authority that is not trusted here'],
];

/** `ECONNREFUSED` → `nothing listens there (ECONNREFUSED)` */
export function why(code: string): string {
  const text = WHY.find(([pattern]) => pattern.test(code))?.[1] ?? 'it cannot be used';
  return `${text} (${code})`;
}

const FIXES: readonly (readonly [RegExp, string])[] = [
  [/CERTIFICATE_REQUIRED/, 'give --cert FILE and --key FILE'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+)/, 'give a --cert of an authority that it knows'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'use one of its names, or give it a certificate for this one'],
  [/^CERT_HAS_EXPIRED$/, 'renew it where TLS ends'],
  [/^CERT_NOT_YET_VALID$/, "check both machines' clocks"],
  [/SELF_SIGNED|^UNABLE_TO_/, 'if it is to be trusted, give its authority with --ca FILE'],
  [/^EPROTO$|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'correct the port, or write http://'],
  [/^HPE_/, 'correct the port, or write https://'],
];

/** What to do about such a code. */
export function fixOf(code: string): string {
  return FIXES.find(([pattern]) => pattern.test(code))?.[1] ?? 'see the log of whatever listens there';
}

const UNAUTHORIZED: readonly number[] = [401, 403, 407];
const NOT_THERE: readonly number[] = [404, 405, 426];
const TUNNEL_BROKEN: readonly number[] = [502, 503, 504];

export function statusFix(status: number, hasCredential: boolean): string {
  if (UNAUTHORIZED.includes(status)) {
    return hasCredential ? 'correct it, or --auth basic|bearer' : 'give --credentials FILE (lines id:secret)';
  }
  if (NOT_THERE.includes(status)) return "correct the path of the target, its session's id, and --method";
  if (TUNNEL_BROKEN.includes(status)) return 'see that a client is connected for the session, and its backend runs';
  return 'make one request succeed first, with curl -i';
}
