import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ARM_NAMES } from '../report/model.ts';
import type { LoadReport } from '../report/model.ts';
import { LoadError } from './errors.ts';
import { finish } from './finish.ts';
import type { LoadOutcome } from './finish.ts';
import { mergeCurves } from './merge-curves.ts';
import type { Reports } from './merge-evidence.ts';
import { mergeLogs } from './merge-logs.ts';
import { mergeReports } from './merge-reports.ts';
import type { ArmLogs } from './merge-reports.ts';
import type { LoadOptions } from './load-options.ts';
import { makeOutFolder } from './out-folder.ts';
import { readReport } from './read-report.ts';

/** More generators than that are a mistake in a glob. */
const MAX_REPORTS = 1000;
const MS_PER_S = 1000;

export type ReportOptions = Pick<LoadOptions, 'out' | 'stdout' | 'stderr' | 'isOpening' | 'png'> & {
  /** Folders of results, or report.json files; their HdrHistogram logs lie beside them. */
  files: readonly string[];
};

/**
 * Writes the reports of load tests that were run before. One: in all forms again, into its own folder unless `out` says
 * otherwise; exit code 0. Several: as one run whose load several generators shared (`--shard`), merged (`mergeReports`),
 * with the verdict and exit code of the whole.
 * @throws LoadError of exit code 2 for files that are none, or that do not belong together
 */
export async function loadReport(options: ReportOptions): Promise<LoadOutcome> {
  const { files, out } = options;
  if (files.length === 0 || files.length > MAX_REPORTS) {
    throw refuse(`give 1 to ${MAX_REPORTS} folders of results, not ${files.length}`);
  }
  const found = files.map((file) => ({ file, folder: folderOf(file), report: readReport(file) }));
  const [first, ...others] = found;
  if (first === undefined) throw refuse('give a folder of results');
  // Nothing here is sent anywhere; the target is only what the options of a run need.
  const asked = { ...options, target: first.report.target.tunnel };
  if (others.length === 0) {
    const folder = out === undefined ? first.folder : makeOutFolder(out, new Date());
    return await finish(first.report, folder, asked, { files: [], exitCode: 0 });
  }
  for (const [index, one] of found.entries()) for (const other of found.slice(index + 1)) refuseStranger(one, other);
  const reports: Reports = [first.report, ...others.map(({ report }) => report)];
  const logs = first.report.tool.engine === 'k6' ? curvesOf(reports, first.file) : await logsOf(found);
  const merged = mergeReports(reports, logs);
  return await finish(merged, makeOutFolder(out, new Date()), asked, { files: [] });
}

type Found = { file: string; folder: string; report: LoadReport };

function folderOf(file: string): string {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true ? file : dirname(file);
}

/** The logs of each arm, merged over the folders. All folders have them, or none: an engine may write none. */
async function logsOf(found: readonly Found[]): Promise<ArmLogs> {
  const logs: ArmLogs = {};
  for (const arm of ARM_NAMES) {
    if (found[0]?.report.totals.arms[arm] === undefined) continue;
    const files = found.map(({ folder }) => join(folder, `${arm}.hdr`));
    const missing = files.find((file) => !existsSync(file));
    if (missing !== undefined) {
      throw refuse(
        `${missing} is not there, and percentiles cannot be merged without it; give folders with their .hdr files`,
      );
    }
    logs[arm] = await mergeLogs(files);
  }
  return logs;
}

/** Of k6, which writes no logs. @throws LoadError `SP_LOAD_REPORT` */
function curvesOf(reports: Reports, file: string): ArmLogs {
  const logs = mergeCurves(reports);
  if (logs !== null) return logs;
  throw refuse(`${file} or another of them is by k6 and has no curve of percentiles to merge; run it anew`);
}

function planOf({ steps, profile, totals, target, tool }: LoadReport): string {
  const arms = Object.keys(totals.arms).sort();
  const { name, arrivals, seed, model = 'open', shard } = profile;
  // What a closed loop reached is its own.
  const rates = steps.map(({ rate }) => (model === 'open' ? rate : null));
  return JSON.stringify([rates, name, arrivals, seed, model, shard?.count, arms, target.method, tool.engine]);
}

/** One run is twice among several where it says so, or where everything in it is alike. */
function isSameRun(a: LoadReport, b: LoadReport): boolean {
  const [one, other] = [a.profile.shard, b.profile.shard];
  if (one !== undefined && other !== undefined && one.index === other.index) return true;
  return a.startedAt === b.startedAt && JSON.stringify(a) === JSON.stringify(b);
}

/** Reports of one plan, from the same time, of the same target; each a different one. */
function refuseStranger(first: Found, other: Found): void {
  const [a, b] = [first.report, other.report];
  const apartMs = Math.abs(Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const why =
    a.target.tunnel !== b.target.tunnel
      ? `loaded another target, ${b.target.tunnel}`
      : planOf(a) !== planOf(b)
        ? 'is of another plan (profile, seed, model, rates, arms, method, engine or number of shards)'
        : isSameRun(a, b)
          ? 'is the same run, or the same shard of it'
          : apartMs > MS_PER_S * Math.max(a.totals.durationS, b.totals.durationS)
            ? `ran ${Math.round(apartMs / MS_PER_S)} s apart from it`
            : null;
  if (why === null) return;
  throw refuse(`${other.file} cannot be merged with ${first.file}: it ${why}; to compare runs use load compare`);
}

function refuse(message: string): LoadError {
  return new LoadError('SP_LOAD_REPORT', message);
}
