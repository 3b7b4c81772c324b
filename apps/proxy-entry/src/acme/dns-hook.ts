/** The operator's own program that puts a TXT record into DNS, and takes it away (DNS-01, RFC 8555 §8.4). */
import { execFile } from 'node:child_process';

/** Until the record is served everywhere, which is for the program to wait for. */
const HOOK_TIMEOUT_MS = 300_000;
const OUTPUT_MAX_BYTES = 64 * 1024;
const SHOWN_CHARS = 200;

/** `HOOK add|remove _acme-challenge.NAME VALUE`, without a shell. Rejects where it does not end with 0 in time. */
export function runHook(
  hook: string,
  verb: 'add' | 'remove',
  record: { readonly name: string; readonly value: string },
  signal: AbortSignal,
): Promise<void> {
  // What opens our links is none of its business.
  const { SALLYPORT_CREDENTIAL: _ours, ...env } = process.env;
  const options = {
    env,
    signal,
    timeout: HOOK_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX_BYTES,
  } as const;
  const args = [verb, `_acme-challenge.${record.name.replace(/^\*\./, '')}`, record.value];
  return new Promise((resolve, reject) => {
    execFile(hook, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`${hook} ${verb} ${howItEnded(error)}${lastLine(stderr)}`));
    });
  });
}

function howItEnded({ code, killed, signal }: { code?: unknown; killed?: boolean; signal?: unknown }): string {
  if (killed === true) return `took more than ${HOOK_TIMEOUT_MS} ms`;
  if (typeof code === 'number') return `ended with ${code}`;
  return `did not run (${String(code ?? signal)})`;
}

function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${line.slice(0, SHOWN_CHARS)}`;
}
