import { isIP } from 'node:net';
import { findK6 } from '../engine/k6.ts';
import type { ArmPlan, RequestPlan } from '../engine/plan.ts';
import type { Signed } from './credentials.ts';
import { LoadError } from './errors.ts';
import type { LoadOptions } from './load-options.ts';
import { trafficOf } from './options.ts';
import { ask, hostOf, reach, resolveName, shakeHands } from './preflight-network.ts';
import type { Answer, Certificate } from './preflight-network.ts';
import { fixOf, statusFix, why } from './preflight-words.ts';
import { shownAddress } from './secrets.ts';
import { isLoopback } from './target.ts';

/** The whole check: a slow target must not make the check the longest part of a short run. */
const MAX_PREFLIGHT_MS = 10_000;
/** Credentials that are tried; of more, the first ones. */
const MAX_TRIED_CREDENTIALS = 20;
const DAY_MS = 86_400_000;
const FEW_DAYS = 14;
const TOO_MANY_REQUESTS = 429;
const FIRST_FAILED_STATUS = 400;
const CUT: readonly string[] = ['UND_ERR_SOCKET', 'ECONNRESET'];
/** RFC 9110 §10.2.3; draft-ietf-httpapi-ratelimit-headers, and the names that were common before it. */
const LIMIT_FIELD = /^(x-)?ratelimit(-(limit|remaining|reset|policy))?$|^retry-after$/;

/** Takes a line for people. */
type Say = (line: string) => void;

/** What is looked at: where the arms go, and by whose leave. `Prepared` has both. */
export type Checked = { arms: ArmPlan[]; signed: Signed[] };

/**
 * Before any command that sends requests: connects once to every arm; looks closer where one is not this machine, or
 * where `check` asks for it.
 * @throws LoadError of exit code 2, whose message says how to fix it
 */
export async function checkTarget(options: LoadOptions): Promise<void> {
  const traffic = trafficOf(options);
  if (options.engine === 'k6') findK6();
  const isAway = traffic.arms.some(({ origin }) => !isLoopback(new URL(origin)));
  const say: Say = (line) => void options.stderr?.write(`${line}\n`);
  if (isAway || options.check === true) await preflight(traffic, options.signal, say);
  else await connectOnce(traffic.arms, options.signal);
}

/**
 * Whether something listens where each arm goes, without a word where it does. A mistyped address is so told before
 * anything is measured or written.
 * @throws LoadError `SP_LOAD_UNREACHABLE`
 */
async function connectOnce(arms: readonly ArmPlan[], signal: AbortSignal | undefined): Promise<void> {
  const timeUp = AbortSignal.timeout(MAX_PREFLIGHT_MS);
  const until = signal === undefined ? timeUp : AbortSignal.any([signal, timeUp]);
  for (const { origin, name } of arms) {
    const reached = await reach(new URL(origin), until);
    if (reached.ok || signal?.aborted === true) continue;
    const flag = name === 'direct' ? '--direct' : 'the address';
    throw new LoadError('SP_LOAD_UNREACHABLE', `${origin}: ${why(reached.code)}; start it, or correct ${flag}`);
  }
}

/**
 * Before the run, at most `MAX_PREFLIGHT_MS`: each arm's name, connection, certificate and ALPN, the status of one
 * request, and whether credentials are accepted; rate limits that show. A line each to `say`. When `signal` aborts it
 * ends without a word: the run will see that as well.
 * @throws LoadError `SP_LOAD_PREFLIGHT` for the first thing that would make the run worthless, with how to fix it
 */
export async function preflight({ arms, signed }: Checked, signal: AbortSignal | undefined, say: Say): Promise<void> {
  const timeUp = AbortSignal.timeout(MAX_PREFLIGHT_MS);
  const until = signal === undefined ? timeUp : AbortSignal.any([signal, timeUp]);
  try {
    for (const arm of arms) {
      const check: ArmCheck = {
        arm,
        url: new URL(arm.origin),
        until,
        say: (what) => say(`check ${arm.name}: ${what}`),
      };
      await checkConnection(check);
      await checkAnswers(check, arm.name === 'tunnel' ? signed : []);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

type ArmCheck = { arm: ArmPlan; url: URL; until: AbortSignal; say: Say };

async function checkConnection({ arm, url, until, say }: ArmCheck): Promise<void> {
  const host = hostOf(url);
  if (isIP(host) === 0) {
    const found = await resolveName(host, until);
    if (!found.ok) throw refuse(`${host}: ${why(found.code)}`, `correct the name, or its DNS record`);
    say(`${host} is ${found.value.join(', ')}`);
  }
  const reached = await reach(url, until);
  if (!reached.ok) throw refuse(`${url.origin}: ${why(reached.code)}`, 'start it, or open the way in firewalls');
  say(`${url.origin} connects in ${reached.value.toFixed(1)} ms`);
  if (arm.tls === null) return;
  const isHttp2 = arm.protocol === 'http2';
  const alpn = arm.protocol === 'websocket' ? ['http/1.1'] : isHttp2 ? ['h2', 'http/1.1'] : ['http/1.1', 'h2'];
  const shaken = await shakeHands(url, arm.tls, alpn, until);
  if (!shaken.ok) throw refuse(`${url.origin}: ${why(shaken.code)}`, fixOf(shaken.code));
  say(judgeCertificate(shaken.value, url.origin, Date.now()));
  const unused = arm.protocol === 'http1' && shaken.value.alpn === 'h2' ? '; this run speaks HTTP/1.1 (--http2)' : '';
  say(`ALPN: ${shaken.value.alpn ?? 'none, so HTTP/1.1'}${unused}`);
  if (isHttp2 && shaken.value.alpn !== 'h2') {
    throw refuse(`${url.origin} speaks no HTTP/2 (ALPN)`, 'leave out --http2, or let TLS there offer h2');
  }
}

/** @throws LoadError `SP_LOAD_PREFLIGHT` for a certificate that no visitor would believe */
export function judgeCertificate({ refusal, names, validToMs }: Certificate, origin: string, nowMs: number): string {
  if (refusal !== null) throw refuse(`${origin}: the certificate (${names}) ${why(refusal)}`, fixOf(refusal));
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  const haste = days < FEW_DAYS ? '; renew it soon' : '';
  return `certificate for ${names}, ${days} days left${haste}`;
}

/** One request, or one for each credential up to a number. */
async function checkAnswers(check: ArmCheck, signed: readonly Signed[]): Promise<void> {
  const { arm, until, say } = check;
  const request = arm.requests[0];
  if (request === undefined) return;
  const tried = signed.slice(0, MAX_TRIED_CREDENTIALS);
  const first = tried[0];
  const answer = await answerTo(check, first === undefined ? request : withAuthorization(request, first.authorization));
  judgeStatus(answer, shownAddress(arm.origin, request.path), first?.id ?? null);
  say(`${request.method} ${shownAddress('', request.path)} answers ${answer.status}`);
  const limits = Object.entries(answer.headers).filter(([name]) => LIMIT_FIELD.test(name));
  if (limits.length > 0) say(`it limits rates (${limits.map(([name, value]) => `${name}: ${value}`).join(', ')})`);
  if (first === undefined) return;
  let accepted = 1;
  for (const { id, authorization } of tried.slice(1)) {
    if (until.aborted) break;
    const other = await answerTo(check, withAuthorization(request, authorization));
    judgeStatus(other, shownAddress(arm.origin, request.path), id);
    accepted += 1;
  }
  say(`${accepted} of ${signed.length} credentials tried and accepted`);
}

async function answerTo({ arm, until }: ArmCheck, request: RequestPlan): Promise<Answer> {
  const answer = await ask(arm, request, until);
  if (answer.ok) return answer.value;
  // TLS 1.3 servers end the connection after the handshake, and not all of them say what they missed.
  const isNameless = arm.tls !== null && arm.tls.cert === null && CUT.includes(answer.code);
  const fix = isNameless ? 'if it asks for a client certificate, give --cert FILE and --key FILE' : fixOf(answer.code);
  throw refuse(`${shownAddress(arm.origin, request.path)}: ${why(answer.code)}`, fix);
}

function withAuthorization(request: RequestPlan, authorization: string): RequestPlan {
  const at = request.headers.indexOf('authorization');
  const headers = at < 0 ? request.headers : request.headers.toSpliced(at, 2);
  return { ...request, headers: [...headers, 'authorization', authorization] };
}

/** @throws LoadError `SP_LOAD_PREFLIGHT` for an answer that a load test has no use for */
function judgeStatus({ status, headers, problem }: Answer, where: string, credential: string | null): void {
  if (status < FIRST_FAILED_STATUS) return;
  const whose = credential === null ? '' : ` to the credential ${JSON.stringify(credential)}`;
  const what = `${where} answers ${status}${problem === null ? '' : ` (${problem})`}${whose}`;
  if (status === TOO_MANY_REQUESTS) {
    const wait = headers['retry-after'] === undefined ? '' : `, Retry-After: ${headers['retry-after']}`;
    throw refuse(`${what}${wait}: it limits already`, 'wait, or raise its limit for this address or credential');
  }
  throw refuse(what, statusFix(status, credential !== null));
}

function refuse(what: string, fix: string): LoadError {
  return new LoadError('SP_LOAD_PREFLIGHT', `${what}; ${fix}`);
}
