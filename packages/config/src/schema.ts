import { type Static, Type } from 'typebox';
import {
  SESSION_ID_PATTERN,
  backendUrl,
  bindHost,
  choice,
  cidr,
  count,
  dnsName,
  filePath,
  flag,
  linkUrl,
  milliseconds,
  port,
  sessionId,
} from './parts.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const closed = { additionalProperties: false } as const;
const DEFAULT_SERVER_URL = 'ws://127.0.0.1:12001';
// The wire's own caps on a head (bytes and lines): a setting can lower them, never raise them.
const HEAD_CAP_BYTES = 64 * KIB;
const HEAD_CAP_LINES = 1000;

function admin(part: string, fallbackPort: number) {
  return Type.Object(
    {
      host: bindHost(`Address of the ${part}'s admin port; anything but loopback needs admin.credentials`),
      port: port(`The ${part}'s admin port (health, metrics, API)`, fallbackPort),
      credentials: Type.Optional(filePath('Credential store whose admin credentials may use this port')),
    },
    { ...closed, description: `Health, metrics and API of the ${part}` },
  );
}

function servers(description: string) {
  return Type.Array(linkUrl(), {
    description,
    default: [DEFAULT_SERVER_URL],
    minItems: 1,
    maxItems: 64,
    uniqueItems: true,
  });
}

const drainTimeout = (what: string) =>
  milliseconds(`How long a stop waits for ${what} before it cuts them`, 30_000, { minimum: 0 });

const log = Type.Object(
  {
    level: choice('Least severe level that is logged', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    accessLog: flag('One log line per request', true),
  },
  { ...closed, description: 'Logs of every part' },
);

const entry = Type.Object(
  {
    host: bindHost('Address that visitors reach'),
    port: port('Port that visitors reach', 12_000),
    admin: admin('entry', 12_003),
    servers: servers('Tunnel-servers to keep an uplink to'),
    credentialFile: Type.Optional(filePath('File with a line id:secret that the entry shows to its servers')),
    domain: Type.Optional(dnsName('Visitors of <id>.<domain> reach the session <id>')),
    hosts: Type.Record(
      Type.String(),
      Type.String({ title: 'a session id', pattern: SESSION_ID_PATTERN, examples: ['demo'] }),
      {
        description: 'Host name (lower case, no port) to session id',
        default: {},
        propertyNames: dnsName('A host name'),
        maxProperties: 10_000,
        examples: [{ 'app.example.org': 'demo' }],
      },
    ),
    trustedProxies: Type.Array(cidr(), {
      description: 'Networks whose Forwarded and X-Forwarded-* fields are believed',
      default: [],
      maxItems: 1000,
    }),
    serverTiming: flag('Answers carry Server-Timing, one entry per hop', true),
    connections: count('Visitor connections open at once', 10_000),
    requestHeadBytes: count('Bytes of a request head', HEAD_CAP_BYTES, { minimum: KIB, maximum: HEAD_CAP_BYTES }),
    requestHeadLines: count('Lines of a request head', HEAD_CAP_LINES, { maximum: HEAD_CAP_LINES }),
    targetBytes: count('Bytes of a request target', 8 * KIB, { minimum: 64, maximum: HEAD_CAP_BYTES }),
    bodyBytes: count('Bytes of a request body; 0: no limit', 0, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    headTimeoutMs: milliseconds('Time for a visitor to send a request head', 10_000),
    keepAliveTimeoutMs: milliseconds('Time a visitor connection may sit idle', 75_000),
    uploadStallTimeoutMs: milliseconds('Time an upload may wait for the backend to read', 60_000),
    sessionSyncTimeoutMs: milliseconds('Time to wait for the first list of sessions before answering 503', 2000, {
      minimum: 0,
    }),
    retryBudgetPercent: count('Requests that may be sent a second time, in percent of all', 10, {
      minimum: 0,
      maximum: 100,
    }),
    drainTimeoutMs: drainTimeout('open requests'),
  },
  { ...closed, description: 'proxy-entry, the public edge' },
);

const server = Type.Object(
  {
    host: bindHost('Address that entries and clients dial'),
    port: port('Port that entries and clients dial', 12_001),
    admin: admin('server', 12_002),
    credentialStore: Type.Optional(filePath('Credential store (JSON) that links are checked against')),
    queue: Type.Object(
      {
        limit: count('Requests of one session that may wait for a slot', 1000, { minimum: 0 }),
        timeoutMs: milliseconds('Time a request may wait for a slot', 5000),
      },
      { ...closed, description: 'Where requests wait for a slot, one queue a session' },
    ),
    drainTimeoutMs: drainTimeout('open streams'),
    maxLinks: count('Links open at once', 20_000),
  },
  { ...closed, description: 'tunnel-server, the relay' },
);

const link = Type.Object(
  {
    heartbeatMs: milliseconds('Time between pings on a link', 5000, { minimum: 100 }),
    canaryMs: milliseconds('Time between canaries through the relay to the client and back', 1000, { minimum: 100 }),
    helloTimeoutMs: milliseconds('Time for the other end of a new link to say hello', 5000),
    // Beyond it new requests are refused. It must hold several whole windows: with 4 MiB, less than one, ten downloads
    // of 2 MB at once had 40 % of all requests refused.
    egressBytes: count('Bytes queued for one link', 64 * MIB, { minimum: 64 * KIB, maximum: 1024 * MIB }),
    windowMaxBytes: count('Largest window of one stream', 8 * MIB, { minimum: 16 * KIB, maximum: 1024 * MIB }),
    windowBudgetBytes: count('Windows of all streams of a process together', 256 * MIB, {
      minimum: MIB,
      maximum: 65_536 * MIB,
    }),
    allowPlain: flag(
      'Allow ws:// to a server that is not on loopback: credentials and requests travel in the clear',
      false,
    ),
    caFile: Type.Optional(filePath('Certificates (PEM) that servers are checked against; unset: the well-known ones')),
  },
  { ...closed, description: 'Links, the same for all three parts' },
);

const session = Type.Object(
  {
    id: sessionId('Public name of the session'),
    backend: backendUrl({ description: 'Where its requests go' }),
    concurrency: Type.Optional(
      Type.Integer({
        description: 'Slots of this session; unset: client.concurrency',
        minimum: 1,
        maximum: 10_000,
        examples: [10],
      }),
    ),
    caFile: Type.Optional(
      filePath('Certificates (PEM) that an https:// backend is checked against; unset: the well-known ones'),
    ),
    serverName: Type.Optional(dnsName('Name an https:// backend is asked for and checked against; unset: its host')),
    hostHeader: choice("Host sent to the backend: the visitor's or the backend's own", 'visitor', [
      'visitor',
      'backend',
    ]),
  },
  {
    ...closed,
    description: 'One session',
    title: 'a session (id, backend, …)',
    examples: [{ id: 'demo', backend: 'http://127.0.0.1:3000' }],
  },
);

const client = Type.Object(
  {
    servers: servers('Tunnel-servers to dial'),
    credentialFile: Type.Optional(filePath('File with a line id:secret that the client shows to its servers')),
    admin: admin('client', 12_004),
    links: count('Links to each server', 1, { maximum: 64 }),
    concurrency: count('Slots: requests at one backend at once', 10, { maximum: 10_000 }),
    maxLongStreams: count('Upgraded connections and event streams at once', 1000, { minimum: 0 }),
    sessions: Type.Array(session, { description: 'Sessions to offer', default: [], maxItems: 1000 }),
    backendConnectTimeoutMs: milliseconds('Time to connect to a backend', 5000),
    backendHeadTimeoutMs: milliseconds('Time for a backend to begin its answer', 90_000),
    backendIdleTimeoutMs: milliseconds('Time a backend connection is kept idle for reuse', 1000, { minimum: 0 }),
    reconnectMinMs: milliseconds('Shortest wait before dialling again', 100),
    reconnectMaxMs: milliseconds('Longest wait before dialling again', 15_000),
    drainTimeoutMs: drainTimeout('open requests'),
  },
  { ...closed, description: 'tunnel-client, beside the backend' },
);

/** The one description of the configuration: types, checks, defaults, JSON Schema and reference all come from here. */
export const CONFIG_SCHEMA = Type.Object(
  {
    deploymentId: Type.String({
      description: 'Name of this deployment, shown in Via',
      title: '1 to 32 of a-z, 0-9 and hyphen',
      default: 'local',
      pattern: '^[a-z0-9-]{1,32}$',
    }),
    log,
    entry,
    server,
    link,
    client,
    backend: Type.Object(
      { host: bindHost('Address of the test backend'), port: port('Port of the test backend', 12_007) },
      { ...closed, description: 'The test backend' },
    ),
  },
  { ...closed, title: 'Sallyport configuration' },
);

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** A validated, deeply frozen configuration. */
export type Config = Frozen<Static<typeof CONFIG_SCHEMA>>;
export type LogConfig = Config['log'];
export type EntryConfig = Config['entry'];
export type ServerConfig = Config['server'];
export type LinkConfig = Config['link'];
export type ClientConfig = Config['client'];
export type BackendConfig = Config['backend'];
export type AdminConfig = EntryConfig['admin'];
export type SessionConfig = ClientConfig['sessions'][number];
