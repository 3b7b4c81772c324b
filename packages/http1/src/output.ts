/** Text and bytes in as few writes as may be: system calls are most of what an answer costs. */

/** What is needed of a socket. */
export interface Output {
  write(text: string, encoding: 'latin1', onWritten?: () => void): boolean;
  write(bytes: Buffer, onWritten?: () => void): boolean;
  cork(): void;
  uncork(): void;
}

/** Up to this size a piece of body is made text and joined to what goes before and behind it. */
const JOINED_BYTES = 4_096;

/**
 * Writes `before`, `chunk` and `after` (text as Latin-1) in one system call: one string while the chunk is small, else
 * gathered. False: the socket is full. `onWritten` is called once all of it is with the
 * kernel.
 */
export function writePieces(
  output: Output,
  before: string,
  chunk: Buffer | null,
  after: string,
  onWritten?: () => void,
): boolean {
  if (chunk === null) return output.write(before + after, 'latin1', onWritten);
  if (chunk.length <= JOINED_BYTES) {
    return output.write(before + chunk.toString('latin1') + after, 'latin1', onWritten);
  }
  if (before === '' && after === '') return output.write(chunk, onWritten);
  output.cork();
  if (before !== '') output.write(before, 'latin1');
  let hasRoom = output.write(chunk, after === '' ? onWritten : undefined);
  if (after !== '') hasRoom = output.write(after, 'latin1', onWritten);
  output.uncork();
  return hasRoom;
}
