/** Faults to plant: one exact piece of one source file, and what stands there instead. */
export interface Mutation {
  readonly name: string;
  /** The end of the file's path. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Of `SHAPES`; that of HTTP/1.1 in one process if not told. */
  readonly shape?: string;
}

const HTTP1 = 'packages/http1/src';
const BACKEND = 'apps/tunnel-client/src/backend';
const VISITOR = 'apps/proxy-entry/src/visitor';
const WITH_HTTP2 = 'up with HTTP/2';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a space before the colon is let through',
    file: `${HTTP1}/field-scanner.ts`,
    find: 'if (byte !== COLON || i === at) return this.judge(bytes, i, end, nameFault(byte, i === at));\n    const nameEnd = i;',
    replace:
      'const nameEnd = i;\n    while (i < end && ((byte = bytes[i]!) === SPACE || byte === TAB)) i += 1;\n    if (byte !== COLON) return this.judge(bytes, i, end, nameFault(byte, nameEnd === at));',
  },
  {
    name: 'a folded line is read as a line of its own',
    file: `${HTTP1}/field-scanner.ts`,
    find: '    let hash = 0;\n    let i = at;',
    replace: '    let hash = 0;\n    while (bytes[at] === SPACE || bytes[at] === TAB) at += 1;\n    let i = at;',
  },
  {
    name: 'a coding that ends in chunked is taken for it',
    file: `${HTTP1}/facts.ts`,
    find: "codings.at(-1) !== 'chunked' || codings.indexOf('chunked') < codings.length - 1",
    replace: "!codings.at(-1)!.endsWith('chunked')",
  },
  {
    name: 'a chunk size is counted in 32 bits',
    file: `${HTTP1}/chunks.ts`,
    find: 'this.left = this.left * 16 + digit;',
    replace: 'this.left = (this.left * 16 + digit) % 2 ** 32;',
  },
  {
    name: 'of two lengths the first is taken',
    file: `${HTTP1}/facts.ts`,
    find: 'if (this.contentLength >= 0) this.fault ??= Faults.LENGTHS;',
    replace: 'if (this.contentLength >= 0) return;',
  },
  {
    name: 'a length beside a coding is not looked at',
    file: `${HTTP1}/facts.ts`,
    find: '    if (this.contentLength >= 0) return Faults.LENGTH_AND_CODING;\n',
    replace: '',
  },
  {
    name: 'a chunk may end in anything',
    file: `${HTTP1}/chunks.ts`,
    find: 'return byte === CR ? State.DATA_LF : this.#fail(Faults.CHUNK_END);',
    replace: 'return State.DATA_LF;',
  },
  {
    name: 'a backend connection is used again though its request was not all sent',
    file: `${BACKEND}/http1-connection.ts`,
    find: 'if (hasMore || !call.isSent ||',
    replace: 'if (hasMore ||',
  },
  {
    name: 'a 204 has a body',
    file: `${HTTP1}/response-reader.ts`,
    find: 'if (this.#isToHead || status === 204 || status === 304)',
    replace: 'if (this.#isToHead || status === 304)',
  },
  {
    name: 'what Connection nominates goes on',
    file: 'packages/protocol/src/fields.ts',
    find: 'return options.has(lowerName(name)) &&',
    replace: 'return false && options.has(lowerName(name)) &&',
  },
  {
    name: 'the last of a declared body does not wait for the end of its stream',
    file: `${VISITOR}/http2-upload.ts`,
    find: 'if (this.#left !== 0) return chunk;',
    replace: 'if (this.#left !== -1) return chunk;',
    shape: WITH_HTTP2,
  },
  {
    name: 'a host that differs from :authority is left out',
    file: `${VISITOR}/http2-request.ts`,
    find: "if (name === 'host' && isSame(authority, value)) continue;",
    replace: "if (name === 'host' && (authority !== null || isSame(authority, value))) continue;",
    shape: WITH_HTTP2,
  },
];
