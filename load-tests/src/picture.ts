import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { LoadReport } from '../report/model.ts';
import { CHART_HEIGHT_PX, CHART_WIDTH_PX, svgReport } from '../report/svg.ts';
import { findProgram } from './find-program.ts';
import type { Wanted } from './find-program.ts';

const CHROMIUM: Wanted = {
  names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  variable: 'SALLYPORT_CHROMIUM',
  code: 'SP_LOAD_NO_CHROMIUM',
  fix: 'apt-get install chromium, or name one in SALLYPORT_CHROMIUM; or leave out --png: report.svg is the same chart',
};
/** It starts in one or two seconds; a machine that is busy with something else may need a few more. */
const MAX_DRAWING_MS = 30_000;
/** Tries to delete the profile, each a tenth of a second later than the one before. */
const MAX_DROPS = 5;
/** Pixels of the picture for each of the chart: sharp where pull requests are read. */
const SCALE = 2;

/** What was drawn, or in words why nothing was, or why there is nothing to draw. */
export type Drawn = { file: string } | { problem: string } | { nothing: string };

/**
 * The Chromium that draws pictures: `SALLYPORT_CHROMIUM`, or the first on PATH.
 * @throws LoadError `SP_LOAD_NO_CHROMIUM`, saying how to get it
 */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string {
  return findProgram(CHROMIUM, environment);
}

/** A child of Chromium may still write there. What is left of it in the end is no reason to lose a report. */
function dropProfile(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: MAX_DROPS });
  } catch {
    // It is in the folder for temporary files.
  }
}

/** `chart.png` in `folder`: `report.svg`, in its light form, drawn by a Chromium without a window. */
export async function drawPicture(report: LoadReport, folder: string): Promise<Drawn> {
  const svg = svgReport(report);
  if (svg === null) return { nothing: 'this report has no chart of latency against rate or time' };
  const file = resolve(folder, 'chart.png');
  // A profile of its own: the person's is open in a window, or not to be written to.
  const profile = mkdtempSync(join(tmpdir(), 'sallyport-chart-'));
  try {
    const page = join(profile, 'chart.svg');
    writeFileSync(page, svg);
    const flags = ['--headless', '--hide-scrollbars', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
    const size = [`--window-size=${CHART_WIDTH_PX},${CHART_HEIGHT_PX}`, `--force-device-scale-factor=${SCALE}`];
    // Its sandbox refuses to run as root. What it draws is our own file, without scripts or addresses.
    const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const args = [...flags, ...size, ...asRoot, `--screenshot=${file}`, pathToFileURL(page).href];
    rmSync(file, { force: true });
    await promisify(execFile)(findChromium(), args, { timeout: MAX_DRAWING_MS, killSignal: 'SIGKILL' });
    // It ends with 0 also where it could not write.
    return statSync(file, { throwIfNoEntry: false }) === undefined
      ? { problem: 'Chromium has not written it' }
      : { file };
  } catch (error) {
    return { problem: (error as Error).message.split('\n')[0] ?? '' };
  } finally {
    dropProfile(profile);
  }
}
