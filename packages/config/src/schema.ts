import { type Static, Type } from 'typebox';
import { bindHost, choice, flag, live, port } from './parts.ts';
import { client } from './schema/client.ts';
import { entry } from './schema/entry.ts';
import { link } from './schema/link.ts';
import { server } from './schema/server.ts';
import { closed } from './schema/shared.ts';
import { slo } from './schema/slo.ts';
import { tracing } from './schema/tracing.ts';

const log = Type.Object(
  {
    level: live(
      choice('Least severe level that is logged', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    ),
    accessLog: live(flag('One log line per request', true)),
  },
  { ...closed, description: 'Logs of every part' },
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
    slo,
    tracing,
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
export type EntryConfig = Config['entry'];
export type SessionConfig = Config['client']['sessions'][number];
