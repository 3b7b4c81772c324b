/** What a command says: JSON lines on standard output with `--json`, otherwise text; text for people on standard error. */

export interface Output {
  readonly isJson: boolean;
  /** A result: one JSON object a line, or its text. */
  readonly result: (value: object, text: string) => void;
  /** Something that happened, for scripts only: logs tell people. */
  readonly event: (value: object) => void;
  /** For people only. */
  readonly note: (text: string) => void;
}

export function createOutput(isJson: boolean): Output {
  return {
    isJson,
    result: (value, text) => void process.stdout.write(isJson ? `${JSON.stringify(value)}\n` : `${text}\n`),
    event: (value) => void (isJson && process.stdout.write(`${JSON.stringify(value)}\n`)),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}
