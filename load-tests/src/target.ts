import { LoadError } from './errors.ts';

/** The test backend's usual question: a small JSON answer. */
export const DEFAULT_PATH = 'loadtest/get';

/**
 * The address that is loaded: `http(s)://` only; where the path ends in `/` it names a place and not a resource, and
 * the test backend's default resource is meant.
 * @param role named in the error: `target` or `direct`
 * @throws LoadError `SP_LOAD_TARGET`
 */
export function withDefaultPath(address: string, role: string): URL {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new LoadError('SP_LOAD_TARGET', `--${role} must be an address such as http://127.0.0.1:12000/session/demo/`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new LoadError('SP_LOAD_TARGET', `--${role} must not carry credentials; give --credentials FILE instead`);
  }
  if (url.pathname.endsWith('/')) url.pathname += DEFAULT_PATH;
  url.hash = '';
  return url;
}

/** This machine by its address: 127.0.0.0/8 (RFC 1122 §3.2.1.3), ::1, and `localhost` names (RFC 6761 §6.3). */
export function isLoopback(url: URL): boolean {
  const { hostname } = url;
  return (
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === '[::1]' ||
    hostname === 'localhost' ||
    hostname.endsWith('.localhost')
  );
}

/**
 * A load test against somebody else's machine is an attack. @throws LoadError `SP_LOAD_TARGET_NOT_LOCAL`
 */
export function refuseStrangers(url: URL, isOwn: boolean): void {
  if (isOwn || isLoopback(url)) return;
  const fix = 'if it is yours to load, say so with --yes-i-run-this-target';
  throw new LoadError('SP_LOAD_TARGET_NOT_LOCAL', `${url.origin} is not this machine; ${fix}`);
}
