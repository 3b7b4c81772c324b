/** One HTTP/2 connection in a test's own hands: frames written and read as they are, so that no library tidies them. */
import type { Duplex } from 'node:stream';
import { readHpack, writeHpack } from './hpack.ts';

export const Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;
export const Code = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  ENHANCE_YOUR_CALM: 11,
} as const;
export const Setting = { HEADER_TABLE_SIZE: 1, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, CONNECT: 8 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** What came on one stream. */
export interface Http2Answer {
  readonly status: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Heads of 1xx, `:status` among their fields. */
  readonly informational: readonly (readonly string[])[];
  /** Of the RST_STREAM that cut it, or came behind its end; null where none did. */
  readonly resetCode: number | null;
  readonly isWhole: boolean;
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEADER_BYTES = 9;
/** As large as every peer takes them (RFC 9113 §4.2). */
const FRAME_BYTES = 16_384;
const MAX_WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;

export class Http2Peer {
  readonly socket: Duplex;
  /** All that came, and was not taken. */
  readonly frames: Frame[] = [];
  isEnded = false;
  #unread: Buffer = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();
  #nextId = -1;

  /** Greets, with windows so wide that nothing waits for them unless `windowBytes` says otherwise. */
  constructor(socket: Duplex, { greets = true, windowBytes = MAX_WINDOW } = {}) {
    this.socket = socket;
    const end = () => {
      this.isEnded = true;
      this.#wake();
    };
    socket.on('end', end).on('error', end).on('close', end);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    if (!greets) return;
    socket.write(PREFACE, 'latin1');
    this.settings([Setting.HEADER_TABLE_SIZE, 0], [Setting.INITIAL_WINDOW_SIZE, windowBytes]);
    if (windowBytes === MAX_WINDOW) this.windowUpdate(0, MAX_WINDOW - DEFAULT_WINDOW);
  }

  /** The id of a stream of our own that has not been used. */
  newId(): number {
    this.#nextId += 2;
    return this.#nextId;
  }

  get lastId(): number {
    return this.#nextId;
  }

  send(type: number, flags: number, id: number, payload: Buffer | string = ''): void {
    this.socket.write(frame(type, flags, id, payload));
  }

  settings(...entries: (readonly [number, number])[]): void {
    const payload = Buffer.alloc(6 * entries.length);
    entries.forEach(([name, value], i) => {
      payload.writeUInt16BE(name, 6 * i);
      payload.writeUInt32BE(value, 6 * i + 2);
    });
    this.send(Type.SETTINGS, 0, 0, payload);
  }

  windowUpdate(id: number, bytes: number): void {
    this.send(Type.WINDOW_UPDATE, 0, id, u32(bytes));
  }

  reset(id: number, code: number): void {
    this.send(Type.RST_STREAM, 0, id, u32(code));
  }

  data(id: number, body: string | Buffer, isLast = false): void {
    this.send(Type.DATA, isLast ? Flag.END_STREAM : 0, id, body);
  }

  /** In as many frames as it takes. */
  headers(id: number, fields: readonly string[], isLast = true): void {
    const block = writeHpack(fields);
    for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES) {
      const ends = at + FRAME_BYTES >= block.length ? Flag.END_HEADERS : 0;
      const piece = block.subarray(at, at + FRAME_BYTES);
      if (at === 0) this.send(Type.HEADERS, ends | (isLast ? Flag.END_STREAM : 0), id, piece);
      else this.send(Type.CONTINUATION, ends, id, piece);
    }
  }

  /** A request on a new stream; answers its id. Pseudo-fields that are not given are those of a plain GET of `/`. */
  request(fields: readonly string[] = [], isLast = true): number {
    const id = this.newId();
    this.headers(id, withPseudoFields(fields), isLast);
    return id;
  }

  /** The first frame that is like that, among those that came and are to come; it is taken. */
  async take(what: string, isIt: (frame: Frame) => boolean): Promise<Frame> {
    return this.#until(what, () => {
      const at = this.frames.findIndex(isIt);
      return at === -1 ? undefined : this.frames.splice(at, 1)[0]!;
    });
  }

  /** What came on stream `id` up to its end, its reset, or the connection's end. */
  async answer(id: number): Promise<Http2Answer> {
    return this.#until(`the end of stream ${id}`, () => {
      const answer = answerOf(this.frames.filter((each) => each.id === id));
      return answer.isWhole || answer.resetCode !== null || this.isEnded ? answer : undefined;
    });
  }

  /** The head of the final answer on stream `id`, as soon as it is there. */
  async head(id: number): Promise<Http2Answer> {
    return this.#until(`the head on stream ${id}`, () => {
      const answer = answerOf(this.frames.filter((each) => each.id === id));
      return answer.status === '' ? undefined : answer;
    });
  }

  /** The body on stream `id` up to and with `text`. */
  async body(id: number, text: string): Promise<string> {
    return this.#until(`${JSON.stringify(text)} on stream ${id}`, () => {
      const { body } = answerOf(this.frames.filter((each) => each.id === id));
      return body.includes(text) ? body : undefined;
    });
  }

  /** The error code of GOAWAY. */
  async goaway(): Promise<number> {
    return (await this.take('GOAWAY', ({ type }) => type === Type.GOAWAY)).payload.readUInt32BE(4);
  }

  async ended(): Promise<void> {
    await this.#until('the end of the connection', () => (this.isEnded ? true : undefined));
  }

  #until<Value>(what: string, find: () => Value | undefined): Promise<Value> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const value = find();
        if (value === undefined && !this.isEnded) return;
        this.#waiting.delete(look);
        if (value === undefined) reject(new Error(`the connection ended before ${what}: ${this.#seen()}`));
        else resolve(value);
      };
      this.#waiting.add(look);
      look();
    });
  }

  #read(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) break;
      const payload = this.#unread.subarray(HEADER_BYTES, end);
      const id = this.#unread.readUInt32BE(5) & MAX_WINDOW;
      this.#came({ type: this.#unread[3]!, flags: this.#unread[4]!, id, payload });
      this.#unread = this.#unread.subarray(end);
    }
    this.#wake();
  }

  #came(came: Frame): void {
    this.frames.push(came);
    if (came.type === Type.SETTINGS && (came.flags & Flag.ACK) === 0 && !this.socket.destroyed) {
      this.send(Type.SETTINGS, Flag.ACK, 0);
    }
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #seen(): string {
    return this.frames
      .map(
        ({ type, flags, id, payload }) =>
          `${type}/${flags}@${id}:${payload.length <= 8 ? payload.toString('hex') : payload.length}`,
      )
      .join(' ');
  }
}

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(bytes.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, bytes]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Of RFC 9113 §8.3.1, before the other fields. */
export function withPseudoFields(fields: readonly string[]): string[] {
  const given = new Set(fields.filter((_, i) => i % 2 === 0));
  const missing = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/'],
  ].filter(([name]) => !given.has(name!));
  return [...missing.flat(), ...fields];
}

function answerOf(frames: readonly Frame[]): Http2Answer {
  const heads: string[][] = [];
  let body = '';
  let resetCode: number | null = null;
  let block: Buffer = Buffer.alloc(0);
  for (const { type, flags, payload } of frames) {
    if (type === Type.HEADERS || type === Type.CONTINUATION) {
      block = Buffer.concat([block, payload]);
      if ((flags & Flag.END_HEADERS) === 0) continue;
      heads.push(readHpack(block));
      block = Buffer.alloc(0);
    }
    if (type === Type.DATA) body += payload.toString('latin1');
    if (type === Type.RST_STREAM) resetCode = payload.readUInt32BE(0);
  }
  const isWhole = frames.some(({ type, flags }) => type <= Type.HEADERS && (flags & Flag.END_STREAM) !== 0);
  const informational = heads.filter(([name, value]) => name === ':status' && value!.startsWith('1'));
  const [final = [], trailers = []] = heads.filter((fields) => !informational.includes(fields));
  return { status: final[1] ?? '', fields: final.slice(2), body, trailers, informational, resetCode, isWhole };
}
