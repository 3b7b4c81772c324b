/** Whether the system lets each part open as many connections as it is configured for. */
import type { Config } from '@sallyport/config';
import { sumOf } from '@sallyport/load-tests';
import { DIALS_LIMIT } from '@sallyport/tunnel-server';
import { configurationOf, partsOf } from './context.ts';
import type { DoctorContext, Part } from './context.ts';
import { ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import type { RunningPart } from './running.ts';

/** Files, logs, the admin port, name resolution. */
const OTHERS = 64;

const NEEDS: readonly (readonly [Part, setting: string, (config: Config) => number])[] = [
  ['entry', 'entry.connections', ({ entry }) => entry.connections + entry.servers.length + filesOfLinks(entry)],
  ['server', 'server.maxLinks', ({ server }) => server.maxLinks + DIALS_LIMIT],
  ['client', 'client.maxLongStreams', clientConnections],
];

/** Of links that pass, both ends. */
function filesOfLinks({ tls }: Config['entry']): number {
  return tls.linkPath === undefined ? 0 : 2 * tls.maxLinks;
}

/** To backends, one a slot and one a long stream, and to servers. */
function clientConnections({ client }: Config): number {
  const links = client.servers.length * client.links;
  const perSession = client.sessions.map(
    ({ concurrency = client.concurrency }) => concurrency + client.maxLongStreams + links,
  );
  return perSession.reduce((sum, each) => sum + each, 0);
}

/** `limitOf`: open files that a part may have; null where that is not known. */
export function judgeDescriptors(
  config: Config,
  parts: ReadonlySet<Part>,
  limitOf: (part: Part) => number | null,
): Finding[] {
  const needs = NEEDS.flatMap(([part, setting, of]) => {
    const limit = limitOf(part);
    return parts.has(part) && limit !== null ? [{ part, setting, limit, needed: of(config) + OTHERS }] : [];
  });
  if (needs.length === 0) return [];
  const short = needs.filter(({ limit, needed }) => needed > limit);
  if (short.length === 0) {
    return [ok('descriptors', `open files allowed: ${needs.map(({ part, limit }) => `${part} ${limit}`).join(', ')}`)];
  }
  return short.map(({ part, setting, limit, needed }) =>
    warn(
      'descriptors',
      `${limit} open files allowed, and the ${part} may need ${needed}`,
      `raise it (ulimit -n ${needed}; LimitNOFILE=${needed} under systemd), or lower ${setting}`,
    ),
  );
}

/** A part that runs knows what it is allowed; of another one it is what would be allowed if it were started like this. */
export function checkDescriptors(context: DoctorContext, running: readonly RunningPart[]): Finding[] {
  const settings = configurationOf(context);
  if (settings === null) return [];
  const own = descriptorLimit();
  const limitOf = (part: Part) => {
    const told = running.flatMap((each) => (each.part === part ? (sumOf(each.after, 'process_max_fds') ?? []) : []));
    return told.length === 0 ? own : Math.min(...told);
  };
  return judgeDescriptors(settings.config, partsOf(settings), limitOf);
}

/** Node itself raises the soft limit to the hard one, in every part as in this process. */
function descriptorLimit(): number | null {
  // Otherwise the report looks up names of network addresses.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = userLimits?.open_files?.soft;
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY;
  return typeof soft === 'number' ? soft : null;
}
