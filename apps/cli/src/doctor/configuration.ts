/** The configuration itself, and the Node that runs it. */
import { formatProblem } from '@sallyport/config';
import type { DoctorContext } from './context.ts';
import { fail, ok } from './finding.ts';
import type { Finding } from './finding.ts';

export async function checkConfiguration({ settings, problems }: DoctorContext): Promise<Finding[]> {
  if (settings !== null) return [ok('configuration', settings.file ?? 'no file: defaults, environment and flags')];
  return problems.map(({ message, hint, ...place }) => {
    const [where] = formatProblem({ ...place, message, hint }).split(`${message}; `);
    return fail('configuration', `${where}${message}`, hint, 'SP_CONFIG');
  });
}

const OLDEST_MAJOR = 24;

export function judgeNode(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= OLDEST_MAJOR) return ok('node', `Node ${version}`);
  return fail('node', `Node ${version} is too old`, `run Node ${OLDEST_MAJOR} or later (npm ci brings one)`);
}

export async function checkNode(): Promise<Finding[]> {
  return [judgeNode(process.versions.node)];
}
