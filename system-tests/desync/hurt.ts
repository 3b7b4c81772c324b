/** Changes of single bytes, anywhere: what no list of tricks has thought of. */
import type { Random } from '../../packages/protocol/src/testing/random.ts';

const GRIT = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\x7f',
  '\xff',
  '0',
  'f',
  '\v',
  'HTTP/1.1',
  '0\r\n\r\n',
];

/** Bytes put in, taken away, doubled, or all cut off, anywhere. */
export function hurt(random: Random, parts: readonly string[], tricks: string[]): string[] {
  const hurtParts = [...parts];
  const at = random.int(hurtParts.length);
  const part = hurtParts[at]!;
  const offset = random.int(part.length + 1);
  const kind = random.pick(['grit', 'grit', 'loss', 'double', 'cut'] as const);
  tricks.push(kind);
  if (kind === 'grit') hurtParts[at] = part.slice(0, offset) + random.pick(GRIT) + part.slice(offset);
  else if (kind === 'loss') hurtParts[at] = part.slice(0, offset) + part.slice(offset + 1 + random.int(3));
  else if (kind === 'double') hurtParts.splice(at, 0, part);
  else return [...hurtParts.slice(0, at), part.slice(0, offset)];
  return hurtParts;
}
