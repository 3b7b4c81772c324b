import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** The system's own way to open a file with what the person has chosen for it. */
const OPENERS: Readonly<Record<string, readonly [command: string, ...flags: string[]]>> = {
  darwin: ['open'],
  // `start` is a word of cmd.exe; its first quoted argument would be the window's title.
  win32: ['cmd', '/c', 'start', ''],
};
const OTHERWISE: readonly [string] = ['xdg-open'];

/**
 * Opens a page in the person's browser and does not wait for it. Says nothing where there is none. Returns what
 * opens it, for who wants to know of its end.
 */
export function openInBrowser(file: string, platform: string = process.platform): ChildProcess {
  const [command, ...flags] = OPENERS[platform] ?? OTHERWISE;
  const child = spawn(command, [...flags, file], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
  return child;
}
