/**
 * What the authority is answered on the plain port (HTTP-01, RFC 8555 §8.3). In files, since it may ask another entry
 * than the one that has the order.
 */
import { readFileSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Challenges } from '../tls/policy.ts';
import { FOR_ALL, writeWhole } from './files.ts';

/** RFC 8555 §8.3: base64url. Nothing else becomes the name of a file. */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

export class HttpChallenges implements Challenges {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  answer(token: string): string | null {
    if (!TOKEN.test(token)) return null;
    try {
      return readFileSync(join(this.#folder, token), 'utf8');
    } catch {
      return null;
    }
  }

  async add(token: string, content: string): Promise<void> {
    if (!TOKEN.test(token)) throw new Error('the directory gave a token that is none');
    await writeWhole(join(this.#folder, token), content, FOR_ALL);
  }

  async clear(): Promise<void> {
    for (const file of await readdir(this.#folder)) await unlink(join(this.#folder, file));
  }

  async remove(token: string): Promise<void> {
    if (TOKEN.test(token)) await unlink(join(this.#folder, token));
  }
}
