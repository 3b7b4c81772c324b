/** Generators of what HTTP allows. */
import fc from 'fast-check';
import type { OpenHead, ResponseHead } from '../heads.ts';

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));

export const TOKEN_CHARACTERS = [
  ...Array.from("!#$%&'*+-.^_`|~"),
  ...range(0x30, 0x39),
  ...range(0x41, 0x5a),
  ...range(0x61, 0x7a),
];
/** Records as `{}` makes them, so that they compare equal to decoded ones. */
export const PLAIN = { noNullPrototype: true } as const;

const VISIBLE = [...range(0x21, 0x7e), ...range(0x80, 0xff)];

export const latin1 = fc.string({ unit: fc.constantFrom(...range(0, 0xff)), maxLength: 40 });
export const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 30 });
/** With spaces and tabs inside, none around. */
export const fieldValue = fc
  .string({ unit: fc.constantFrom(' ', '\t', ...VISIBLE), maxLength: 60 })
  .filter((text) => !/^[ \t]|[ \t]$/.test(text));
export const target = fc
  .string({
    unit: fc.constantFrom(...range(0x21, 0x7e).filter((each) => each !== '#' && each !== '\\')),
    maxLength: 60,
  })
  .map((text) => `/${text}`);
export const fields = fc.array(fc.tuple(token, fieldValue), { maxLength: 12 }).map((pairs) => pairs.flat());

export const u32Value = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff));
export const session = fc.string({ unit: fc.constantFrom(...range(0x61, 0x7a)), maxLength: 255 });

export const anyOpen: fc.Arbitrary<OpenHead> = fc.record(
  {
    upgrade: fc.boolean(),
    attempt: fc.constantFrom(1, 2),
    rttUs: u32Value,
    session,
    strings: fc.tuple(token, target, fields).map(([method, path, rest]) => [method, path, ...rest]),
  },
  PLAIN,
);

export const anyHead: fc.Arbitrary<ResponseHead> = fc.record(
  {
    status: fc.integer({ min: 100, max: 599 }),
    rttUs: u32Value,
    serverUs: u32Value,
    queueUs: u32Value,
    clientUs: u32Value,
    slotUs: u32Value,
    uploadUs: u32Value,
    backendUs: u32Value,
    strings: fc.tuple(fieldValue, fields).map(([reason, rest]) => [reason, ...rest]),
  },
  PLAIN,
);
