/**
 * HPACK (RFC 7541) as tests need it: everything may be written, whatever HTTP says of it, as literals that no table
 * remembers; read is what a peer sends that was told to keep no table.
 */

const STATIC_TABLE: readonly (readonly [string, string])[] = [
  ['', ''],
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range content-type ' +
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since ' +
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after ' +
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'
  )
    .split(' ')
    .map((name) => [name, ''] as const),
];

/** Fields, flat, each a literal without indexing and without Huffman's code: any bytes go. */
export function writeHpack(fields: readonly string[]): Buffer {
  const pieces: Buffer[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    pieces.push(Buffer.from([0]), literal(fields[i]!), literal(fields[i + 1]!));
  }
  return Buffer.concat(pieces);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** RFC 7541 §5.1 with a prefix of 7 bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function entry(index: number): readonly [string, string] {
  const found = STATIC_TABLE[index];
  if (found === undefined) throw new Error(`entry ${index} is of the dynamic table`);
  return found;
}

/** Fields, flat, of a block that uses no dynamic table. */
export function readHpack(block: Buffer): string[] {
  const fields: string[] = [];
  let at = 0;
  const readInteger = (bits: number): number => {
    const mask = (1 << bits) - 1;
    let value = block[at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++]!;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const readString = (): string => {
    const isCoded = block[at]! >= 128;
    const length = readInteger(7);
    const bytes = block.subarray(at, (at += length));
    return isCoded ? decode(bytes) : bytes.toString('latin1');
  };
  while (at < block.length) {
    const byte = block[at]!;
    if (byte >= 128) fields.push(...entry(readInteger(7)));
    else if ((byte & 0xe0) === 0x20) readInteger(5);
    else {
      const index = readInteger((byte & 0xc0) === 0x40 ? 6 : 4);
      const name = index === 0 ? readString() : entry(index)[0];
      fields.push(name, readString());
    }
  }
  return fields;
}

/** Characters by the length of their code, which is canonical: those of one length are numbered on (RFC 7541 B). */
const BY_LENGTH: readonly (readonly [number, string])[] = [
  [5, '012aceiost'],
  [6, ' %-./3456789=A_bdfghlmnpru'],
  [7, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz'],
  [8, '&*,;XZ'],
  [10, '!"()?'],
  [11, "'+|"],
  [12, '#>'],
  [13, '\0$@[]~'],
  [14, '^}'],
  [15, '<`{'],
];
const CODES = codes();

function codes(): ReadonlyMap<string, string> {
  const byBits = new Map<string, string>();
  let code = 0;
  let length = 5;
  for (const [bits, characters] of BY_LENGTH) {
    code <<= bits - length;
    length = bits;
    for (const character of characters) byBits.set((code++).toString(2).padStart(bits, '0'), character);
  }
  return byBits;
}

function decode(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let text = '';
  let from = 0;
  for (let to = 5; to <= bits.length; to += 1) {
    const character = CODES.get(bits.slice(from, to));
    if (character === undefined) continue;
    text += character;
    from = to;
    to += 4;
  }
  if (bits.length - from > 7) throw new Error(`no code of a printable character: ${bits.slice(from)}`);
  return text;
}
