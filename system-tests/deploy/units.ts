/** The systemd units of `deploy/systemd`, as they are read by tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/command.ts';

export const UNITS = join(ROOT, 'deploy/systemd');
/** Where the units expect the checkout. */
export const INSTALLED = '/opt/sallyport';

export interface Unit {
  readonly file: string;
  /** All lines `Key=value` of a section, in their order. */
  section(name: string): readonly (readonly [key: string, value: string])[];
  /** The last value of a key of [Service] or [Socket]; empty: it is not there. */
  value(key: string): string;
  values(key: string): readonly string[];
}

export const unitFiles: readonly string[] = readdirSync(UNITS).filter((file) => /\.(service|socket)$/.test(file));
export const services: readonly Unit[] = unitFiles.filter((file) => file.endsWith('.service')).map(readUnit);
export const sockets: readonly Unit[] = unitFiles.filter((file) => file.endsWith('.socket')).map(readUnit);

export function readUnit(file: string): Unit {
  const sections = new Map<string, [string, string][]>();
  let current: [string, string][] = [];
  for (const line of readFileSync(join(UNITS, file), 'utf8').split('\n')) {
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    if (heading !== undefined) sections.set(heading, (current = []));
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) current.push([key, value]);
  }
  const section = (name: string) => sections.get(name) ?? [];
  const values = (key: string) =>
    [...section('Service'), ...section('Socket')].filter(([each]) => each === key).map(([, value]) => value);
  return { file, section, values, value: (key) => values(key).at(-1) ?? '' };
}

export function serviceOf(part: string): Unit {
  const unit = services.find(({ file }) => file.startsWith(`sallyport-${part}`));
  if (unit === undefined) throw new Error(`there is no unit for ${part}`);
  return unit;
}

/** The words behind the program and its flags: what `sallyport` is given. */
export function argumentsOf(unit: Unit): readonly string[] {
  const words = unit.value('ExecStart').split(' ');
  return words.slice(words.findIndex((word) => /\.(js|ts)$/.test(word)) + 1);
}

export function environmentOf(unit: Unit): Readonly<Record<string, string>> {
  const assignments = unit.values('Environment').flatMap((line) => line.split(' '));
  return Object.fromEntries(
    assignments.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  );
}

const SECONDS_MS = 1_000;

/** Of a time span in seconds, as the units have them. */
export function milliseconds(unit: Unit, key: string): number {
  return Number(unit.value(key)) * SECONDS_MS;
}
