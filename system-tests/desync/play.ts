/** A stack, the strict backend behind it, and cases through both; what fails is made small. */
import { gaugesAtRest, settled } from '../harness/metrics.ts';
import { startStack } from '../harness/stack.ts';
import { StrictBackend } from './backend.ts';
import { Desync } from './desync.ts';
import type { Failure, PlayOptions, Tally } from './desync.ts';
import { HTTP1 } from './http1-kind.ts';
import { HTTP2 } from './h2-kind.ts';
import type { Kind } from './run-kind.ts';
import { shrink } from './shrink.ts';

export interface Played {
  readonly tally: Tally;
  /** For people; null: nothing failed. */
  readonly failure: string | null;
}

/** A stack, and the version that its visitors speak. */
export interface Shape {
  readonly name: string;
  readonly isSplit: boolean;
  readonly isHttp2: boolean;
}

export const SHAPES: readonly Shape[] = [
  { name: 'up', isSplit: false, isHttp2: false },
  { name: 'up --split', isSplit: true, isHttp2: false },
  { name: 'up with HTTP/2', isSplit: false, isHttp2: true },
  { name: 'up --split with HTTP/2', isSplit: true, isHttp2: true },
];

/** So many slots that no case waits for another's. */
const SLOTS = 64;
const SHRINK_MS = 20_000;
const SHRINK_CEILING_MS = 1_500;
/** No limit of time is met by a machine that stands still for seconds: then what is right would be refused. */
const PATIENT = [
  'client.backendConnectTimeoutMs=60000',
  'entry.headTimeoutMs=60000',
  'link.canaryMs=60000',
  'link.heartbeatMs=60000',
  'server.queue.timeoutMs=60000',
];
const SETTINGS = ['log.level=warn', 'log.accessLog=false', 'entry.http2.cleartext=true', ...PATIENT];

export function playThrough({ isSplit, isHttp2 }: Shape, options: PlayOptions): Promise<Played> {
  return isHttp2 ? playKind(HTTP2, isSplit, options) : playKind(HTTP1, isSplit, options);
}

async function playKind<Spec>(kind: Kind<Spec>, isSplit: boolean, options: PlayOptions): Promise<Played> {
  const backend = await StrictBackend.start();
  try {
    const stack = await startStack({ isSplit, backend: backend.url, concurrency: SLOTS, set: SETTINGS });
    try {
      const atRest = await gaugesAtRest(stack.admin);
      const desync = new Desync(kind, stack.entry, backend);
      const failure = await desync.play(options);
      const { tally } = desync;
      if (failure === null) {
        // Whatever was torn, cut and refused: nothing of it is left.
        await settled(stack.admin, atRest);
        return { tally, failure };
      }
      return { tally, failure: options.isHasty === true ? failure.what : await describe(desync, kind, failure) };
    } finally {
      await stack.command.stop();
    }
  } finally {
    await backend.close();
  }
}

async function describe<Spec>(desync: Desync<Spec>, kind: Kind<Spec>, { seeds, what }: Failure): Promise<string> {
  let last = what;
  const fails = async (spec: Spec) => {
    const found = await desync.run(spec, undefined, SHRINK_CEILING_MS);
    if (found !== null) last = found;
    return found !== null;
  };
  for (const seed of seeds) {
    const drawn = kind.draw(seed);
    if (!(await fails(drawn))) continue;
    const small = await shrink(drawn, (spec) => kind.smallerThan(spec), fails, SHRINK_MS);
    return `seed ${seed}: ${what}\nmade small: ${last}\n${kind.show(small)}`;
  }
  return `seed ${seeds.join(' or ')}, not alone: ${what}\n${seeds
    .slice(0, 1)
    .map((seed) => kind.show(kind.draw(seed)))
    .join()}`;
}
