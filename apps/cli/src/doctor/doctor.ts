/** All checks, run at once and told in a fixed order. */
import { checkBackends } from './backends.ts';
import { checkConfiguration, checkNode } from './configuration.ts';
import { configurationOf } from './context.ts';
import type { Check, DoctorContext } from './context.ts';
import { checkCredentialFiles } from './credential-file.ts';
import { checkEntryTls } from './entry-tls.ts';
import { fail } from './finding.ts';
import type { Finding } from './finding.ts';
import { checkLinkTls } from './link-tls.ts';
import { checkPorts } from './ports.ts';
import { checkRunning } from './running.ts';
import { checkServers } from './servers.ts';
import { checkStores } from './store.ts';
import { checkTarget } from './target.ts';

const CHECKS: readonly Check[] = [
  checkNode,
  checkConfiguration,
  checkPorts,
  checkEntryTls,
  checkLinkTls,
  checkStores,
  checkCredentialFiles,
  checkServers,
  checkBackends,
  checkRunning,
  checkTarget,
];

const WITHOUT_CONFIGURATION: readonly Check[] = [checkNode, checkRunning, checkTarget];

/** Calls `tell` for each finding, in the checks' order, as soon as those before it are told. Never rejects. */
export async function examine(context: DoctorContext, tell: (finding: Finding) => void): Promise<void> {
  const isRunningOnly = context.settings !== null && configurationOf(context) === null;
  const running = (isRunningOnly ? WITHOUT_CONFIGURATION : CHECKS).map((check) => check(context).catch(brokenCheck));
  for (const found of running) for (const finding of await found) tell(finding);
}

function brokenCheck(error: unknown): Finding[] {
  return [fail('doctor', `a check broke: ${String(error)}`, 'this is a bug of ours, please report it')];
}
