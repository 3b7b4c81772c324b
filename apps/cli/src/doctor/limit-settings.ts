/** The setting behind each limit that parts count (`sallyport_limit_hits_total`), and the page that tells of it. */
import type { COMMON_LIMITS, LIMITS } from '@sallyport/telemetry';

export interface LimitSetting {
  /** What to do about it. */
  readonly fix: string;
  readonly runbook: string;
  /** Visitors reach it by what they do: old hits are no news. */
  readonly isVisitors: boolean;
}

const HIT = 'SallyportLimitHit';

function raise(setting: string, runbook = HIT): LimitSetting {
  return { fix: `raise ${setting} if the machine has room`, runbook, isVisitors: false };
}

function visitors(setting: string, runbook = HIT): LimitSetting {
  return { fix: `change ${setting} for visitors that you want`, runbook, isVisitors: true };
}

function fixed(fix: string, runbook = HIT): LimitSetting {
  return { fix, runbook, isVisitors: false };
}

const FULL = 'see which session is full and how long its backend takes; mend that backend, or raise client.concurrency';

type PartLimit = (typeof LIMITS)[keyof typeof LIMITS][number];
/** Of whatever part. */
type CommonLimit = (typeof COMMON_LIMITS)[number];

/** By the label `limit`. */
export const LIMIT_SETTINGS: Readonly<Record<PartLimit | CommonLimit, LimitSetting>> = {
  connections: raise('entry.connections, and the open files that it may have,'),
  'request-head': visitors('entry.requestHeadBytes', 'SP_HEAD_TOO_LARGE'),
  'request-target': visitors('entry.targetBytes', 'SP_TARGET_TOO_LONG'),
  'head-timeout': visitors('entry.headTimeoutMs', 'SP_HEAD_TIMEOUT'),
  'proxy-header': visitors('entry.headTimeoutMs'),
  'body-rate': visitors('entry.bodyMinBytesPerS', 'SP_BODY_TIMEOUT'),
  body: visitors('entry.bodyBytes', 'SP_BODY_TOO_LARGE'),
  handshake: visitors('entry.tls.handshakeTimeoutMs'),
  'answer-stall': visitors('entry.answerStallTimeoutMs'),
  'upload-stall': raise('entry.uploadStallTimeoutMs, or mend the backend, which does not read,', 'SP_UPLOAD_STALLED'),
  'http2-streams': visitors('entry.http2.concurrentStreams'),
  'http2-resets': visitors('entry.http2.resets'),
  'http2-control': visitors('entry.http2.controlFrames'),
  'http2-overhead': visitors('entry.http2.overheadBytes'),
  'http2-continuations': visitors('nothing (it is fixed)'),
  'trace-queue': fixed('start the collector, or sample less', 'SallyportTraceSpansDropped'),
  'websocket-close': fixed('nothing: WebSockets that did not answer their close in a drain'),
  queue: fixed(FULL, 'SP_QUEUE_FULL'),
  'queue-wait': fixed(FULL, 'SP_QUEUE_FULL'),
  'queue-timeout': fixed(FULL, 'SP_QUEUE_TIMEOUT'),
  links: raise('server.maxLinks (at an entry entry.tls.maxLinks), and the open files that it may have,'),
  'link-asks': fixed('see which of entry.servers does not answer: 64 links may be asked for at once'),
  'link-dials': fixed('find who opens connections to the port for links and shows no credential (1,024 at once)'),
  sessions: fixed('find whose clients take ever new sessions (/api/sessions): 10,000 of one owner are remembered'),
  'link-egress': fixed('find the entry or the line that does not take what is sent (/api/links)', 'SP_OVERLOADED'),
  'long-streams': raise('client.maxLongStreams', 'SP_LONG_STREAMS'),
  slots: fixed('report it: a server gives more than was leased', 'SP_OVERLOADED'),
  admin_connections: fixed('let fewer programs ask the admin port at once (256)'),
  admin_stall: fixed('find who scrapes the admin port and does not take the answer within 30 s'),
  metric_series: fixed('switch off labels with too many values (1,000)'),
};

const UNKNOWN: LimitSetting = fixed('look for its setting in docs/configuration.md');

export function limitSetting(limit: string): LimitSetting {
  return Object.hasOwn(LIMIT_SETTINGS, limit) ? LIMIT_SETTINGS[limit as keyof typeof LIMIT_SETTINGS] : UNKNOWN;
}
