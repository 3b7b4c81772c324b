/** A case of HTTP/2: streams of one connection, their frames one after the other or in turns. */
import { bytesOf } from './case.ts';
import type { Answer } from './case.ts';
import { Flag, Frame, frame, headerBlock, PREFACE } from './h2-frames.ts';
import type { Line } from './rfc9112.ts';

export interface H2Request {
  readonly lines: readonly Line[];
  readonly data: readonly string[];
  readonly trailers: readonly Line[] | null;
  /** The last frame does not end the stream. */
  readonly isUnended: boolean;
  /** So much of a header block goes in a frame. */
  readonly blockBytes: number;
}

export interface H2Case {
  readonly requests: readonly H2Request[];
  /** Their frames in turns. */
  readonly isMixed: boolean;
  readonly tears: readonly number[];
  readonly tricks: readonly string[];
  readonly answers: readonly Answer[];
}

/** Of the request number `place`. */
export function streamOf(place: number): number {
  return 2 * place + 1;
}

export function h2Bytes({ requests, isMixed }: H2Case): Buffer {
  const streams = requests.map((request, place) => framesOf(request, streamOf(place)));
  const heads = [PREFACE, frame(Frame.SETTINGS, 0, 0)];
  if (!isMixed) return Buffer.concat([...heads, ...streams.flat(2)]);
  const mixed: Buffer[] = [];
  // The ids of streams rise with their first frames: heads first, then the rest in turns.
  const most = Math.max(...streams.map((frames) => frames.length));
  for (let turn = 0; turn < most; turn += 1) for (const frames of streams) mixed.push(...(frames[turn] ?? []));
  return Buffer.concat([...heads, ...mixed]);
}

/** Each with what must stand right behind it. */
function framesOf({ lines, data, trailers, isUnended, blockBytes }: H2Request, stream: number): Buffer[][] {
  const blocks = 1 + data.length + (trailers === null ? 0 : 1);
  const end = (place: number) => (place === blocks - 1 && !isUnended ? Flag.END_STREAM : 0);
  const frames = [blockFrames(headerBlock(lines), stream, end(0), blockBytes)];
  for (const [i, text] of data.entries())
    frames.push([frame(Frame.DATA, end(i + 1), stream, bytesOf({ parts: [text], tears: [] }))]);
  if (trailers !== null) frames.push(blockFrames(headerBlock(trailers), stream, end(blocks - 1), blockBytes));
  return frames;
}

/** More CONTINUATION frames than this are a flood to some. */
const MOST_FRAMES = 6;

function blockFrames(block: Buffer, stream: number, flags: number, wishedBytes: number): Buffer[] {
  const frames: Buffer[] = [];
  const blockBytes = Math.max(wishedBytes, Math.ceil(block.length / MOST_FRAMES));
  for (let at = 0; at === 0 || at < block.length; at += blockBytes) {
    const isLast = at + blockBytes >= block.length;
    const type = at === 0 ? Frame.HEADERS : Frame.CONTINUATION;
    const all = (at === 0 ? flags : 0) | (isLast ? Flag.END_HEADERS : 0);
    frames.push(frame(type, all, stream, block.subarray(at, at + blockBytes)));
  }
  return frames;
}
