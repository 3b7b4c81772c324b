/** How much of a message is taken before it is refused. All in bytes, but for the lines. */
export interface ReadLimits {
  /** The request or status line, with its end. */
  readonly startLineBytes: number;
  /** A whole head, with the empty line; of a trailer section as well. */
  readonly headBytes: number;
  /** Field lines of a head or a trailer section; no more than `MAX_FIELD_LINES`. */
  readonly headLines: number;
  /** Chunk extensions of one message, put together. */
  readonly chunkExtensionBytes: number;
}

export const MAX_FIELD_LINES = 1_024;

export const DEFAULT_LIMITS: ReadLimits = {
  startLineBytes: 16_384,
  headBytes: 65_536,
  headLines: 1_000,
  chunkExtensionBytes: 4_096,
};
