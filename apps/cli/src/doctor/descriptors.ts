/** Whether the system lets each part open as many connections as it is configured for. */
import type { Config } from '@sallyport/config';
import { partsOf } from './context.ts';
import type { DoctorContext, Part } from './context.ts';
import { ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** Files, logs, the admin port, name resolution. */
const OTHERS = 64;

const NEEDS: readonly (readonly [Part, setting: string, (config: Config) => number])[] = [
  ['entry', 'entry.connections', ({ entry }) => entry.connections + entry.servers.length + filesOfLinks(entry)],
  ['server', 'server.maxLinks', ({ server }) => server.maxLinks],
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

/** `limit`: open files that a process may have; null where that is not known. */
export function judgeDescriptors(config: Config, parts: ReadonlySet<Part>, limit: number | null): Finding[] {
  if (limit === null) return [];
  const short = NEEDS.flatMap(([part, setting, of]) => {
    const needed = of(config) + OTHERS;
    return parts.has(part) && needed > limit ? [{ part, setting, needed }] : [];
  });
  if (short.length === 0) return [ok('descriptors', `${limit} open files allowed`)];
  return short.map(({ part, setting, needed }) =>
    warn(
      'descriptors',
      `${limit} open files allowed, and the ${part} may need ${needed}`,
      `raise it (ulimit -n ${needed}; LimitNOFILE=${needed} under systemd), or lower ${setting}`,
    ),
  );
}

export async function checkDescriptors({ settings }: DoctorContext): Promise<Finding[]> {
  if (settings === null) return [];
  return judgeDescriptors(settings.config, partsOf(settings), descriptorLimit());
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
