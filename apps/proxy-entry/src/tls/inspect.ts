/** The files of TLS as an entry would read them, for who checks a configuration. */
import { readdir } from 'node:fs/promises';
import type { EntryConfig } from '@sallyport/config';
import { readAuthority } from './client-authority.ts';
import { pairsIn } from './folder.ts';
import { covers } from './names.ts';
import { readPair } from './pair.ts';
import type { PairFiles } from './pair.ts';

export interface InspectedPair {
  readonly stem: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Null, or why it cannot be used. */
  readonly wrong: string | null;
  /** Both wall clock; 0 where it cannot be used. */
  readonly notAfterMs: number;
  readonly notBeforeMs: number;
  readonly covers: (host: string) => boolean;
}

/** Rejects with Node's own error where the folder cannot be read. */
export async function inspectPairs(folder: string): Promise<InspectedPair[]> {
  const files = pairsIn(folder, await readdir(folder), new Map());
  const inspected: InspectedPair[] = [];
  // One at a time: each has files open, and there may be thousands.
  for (const each of files) inspected.push(await inspectPair(each));
  return inspected;
}

async function inspectPair(files: PairFiles): Promise<InspectedPair> {
  const result = await readPair(files);
  if (!result.ok) return { ...files, wrong: result.why, notAfterMs: 0, notBeforeMs: 0, covers: () => false };
  const { names, notAfterMs, notBeforeMs } = result.pair;
  return { ...files, wrong: null, notAfterMs, notBeforeMs, covers: (host) => covers(names, host) };
}

/** Null, or what is wrong with what certificates of visitors are checked against. */
export async function inspectAuthority({ clientCaFile, clientCrlFile }: EntryConfig['tls']): Promise<string | null> {
  const read = await readAuthority(clientCaFile, clientCrlFile);
  return read.ok ? null : read.why;
}
