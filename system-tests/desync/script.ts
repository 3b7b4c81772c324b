/** What the backend does for one request: the bytes it writes, how it ends, and what the RFC reads in them. */
import { answerBytes, piecesOf } from './case.ts';
import type { Answer } from './case.ts';
import { readAnswer } from './expected.ts';
import type { ReadAnswer } from './expected.ts';
import { members } from './rfc9112.ts';
import type { Response } from './rfc9112.ts';

export interface Script {
  readonly pieces: readonly Buffer[];
  readonly end: Answer['end'];
  readonly read: ReadAnswer;
  /** Bytes follow that belong to no answer. */
  readonly hasMore: boolean;
}

export function scriptOf(answer: Answer, serial: number, method: string): Script {
  const all = answerBytes(answer, serial);
  const read = readAnswer(all, 0, method, answer.end !== 'reset');
  const { final, next } = read;
  const bytes = answer.isExact ? all.subarray(0, next) : all;
  // What comes behind an answer comes with its last byte: later it could not be told from an answer to the next request.
  const tears = answer.tears.filter((at) => at < next);
  return {
    pieces: piecesOf(bytes, tears),
    end: endOf(answer.end, read),
    read,
    hasMore: next < bytes.length || final.kind === 'wrong',
  };
}

/** So that nothing waits for ever, and no request meets the end of a connection that was said to stay. */
function endOf(end: Answer['end'], { final }: ReadAnswer): Answer['end'] {
  if (final.kind === 'part') return end === 'keep' ? 'fin' : end;
  if (final.kind === 'wrong') return end;
  if (final.message.framing === 'close') return end === 'keep' ? 'fin' : end;
  return saysClose(final.message) ? end : 'keep';
}

export function saysClose({ minor, lines }: Response): boolean {
  const options = members(lines, 'connection');
  return options.includes('close') || (minor === 0 && !options.includes('keep-alive'));
}
