import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPORT_SCHEMA } from '../report/model.ts';
import type { LoadReport } from '../report/model.ts';
import { LoadError } from './errors.ts';

/** A soak of a week is about this large; a larger file is no report of ours. */
const MAX_REPORT_BYTES = 512 * 2 ** 20;

/**
 * Reads a report.json, or that of a folder of results. What later code computes with is checked here: the schema, and
 * that every step has a rate and the tunnel arm's latencies.
 * @throws LoadError `SP_LOAD_REPORT`
 */
export function readReport(fileOrFolder: string): LoadReport {
  const stat = statSync(fileOrFolder, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(fileOrFolder, 'is not there');
  const file = stat.isDirectory() ? join(fileOrFolder, 'report.json') : fileOrFolder;
  let value: unknown;
  try {
    if (statSync(file).size > MAX_REPORT_BYTES) throw refuse(file, 'is too large');
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse(file, code === undefined ? 'is not JSON' : `cannot be read (${code})`);
  }
  if (!isReport(value)) throw refuse(file, `is no report of the schema ${REPORT_SCHEMA}`);
  return value;
}

function isReport(value: unknown): value is LoadReport {
  if (!isRecord(value) || value['schema'] !== REPORT_SCHEMA) return false;
  const { steps, machine, profile, target } = value;
  return [machine, profile, target].every(isRecord) && Array.isArray(steps) && steps.every(isStep);
}

function isStep(step: unknown): boolean {
  if (!isRecord(step) || typeof step['rate'] !== 'number' || typeof step['durationS'] !== 'number') return false;
  const { arms, seconds } = step;
  return isRecord(arms) && Array.isArray(seconds) && isArm(arms['tunnel']) && Object.values(arms).every(isArm);
}

function isArm(arm: unknown): boolean {
  if (!isRecord(arm) || typeof arm['requests'] !== 'number' || !isRecord(arm['latencyMs'])) return false;
  const { p50, p90, p99 } = arm['latencyMs'];
  return [p50, p90, p99].every((value) => typeof value === 'number');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(file: string, why: string): LoadError {
  return new LoadError('SP_LOAD_REPORT', `${file} ${why}; give a report.json or the folder of a load test’s results`);
}
