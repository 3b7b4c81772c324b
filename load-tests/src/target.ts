import { LoadError } from './errors.ts';

/** The test backend's usual question: a small JSON answer. */
export const DEFAULT_PATH = 'loadtest/get';
/** The test backend's WebSocket, which echoes. */
export const DEFAULT_WEBSOCKET_PATH = 'loadtest/ws';
/**
 * Requests a second and arm towards what is not this machine, unless lifted: twice what an ordinary service is measured
 * at, and too few to harm a network.
 */
export const MAX_STRANGER_RATE = 2000;

/** Where an arm goes: `url` is what is asked for unless a profile says otherwise; `place` is what its paths are below. */
export type Way = { url: URL; place: string | null };

/**
 * The address that is loaded: `http(s)://` or `ws(s)://`; where the path ends in `/` it names a place and not a
 * resource, and the test backend's default resource is meant.
 * @param role named in the error: `target` or `direct`
 * @throws LoadError `SP_LOAD_TARGET`
 */
export function withDefaultPath(address: string, role: string, path: string = DEFAULT_PATH): URL {
  return wayOf(address, role, path).url;
}

/** The same, with the place. @throws LoadError `SP_LOAD_TARGET` */
export function wayOf(address: string, role: string, path: string): Way {
  const url = URL.parse(address);
  if (url === null || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new LoadError('SP_LOAD_TARGET', `--${role} must be an address such as http://127.0.0.1:12000/session/demo/`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new LoadError('SP_LOAD_TARGET', `--${role} must not carry credentials; give --credentials FILE instead`);
  }
  url.hash = '';
  if (!url.pathname.endsWith('/')) return { url, place: null };
  const asked = new URL(`./${path}`, url);
  // A query of the address itself goes with the place.
  if (asked.search === '') asked.search = url.search;
  return { url: asked, place: url.pathname };
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

/**
 * Beyond this machine a slip of the keyboard must not become a flood. For every command that chooses rates by itself, too.
 * @param rate requests per second and arm at its highest; null: a closed loop, which goes as fast as it is answered
 * @throws LoadError `SP_LOAD_RATE_CEILING`
 */
export function refuseHighRate(url: URL, rate: number | null, isLifted: boolean): void {
  if (isLifted || isLoopback(url) || (rate !== null && rate <= MAX_STRANGER_RATE)) return;
  const what = rate === null ? 'a closed loop has no rate' : `${Math.ceil(rate)} requests/s is over`;
  const bound = rate === null ? 'to hold under' : '';
  throw new LoadError(
    'SP_LOAD_RATE_CEILING',
    `${url.origin} is not this machine, and ${[what, bound, `the ceiling of ${MAX_STRANGER_RATE}`].filter(Boolean).join(' ')}; lower the rate or lift the ceiling with --no-rate-ceiling`,
  );
}
