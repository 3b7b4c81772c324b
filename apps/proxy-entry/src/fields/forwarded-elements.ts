/** The syntax of Forwarded (RFC 7239 §4), read strictly: what a stranger put in front must not change what follows. */

export interface ForwardedElement {
  /** As it came. */
  readonly text: string;
  /** Parameters by name in lower case, unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** `token "=" value`, the value a token or a quoted string. */
const PAIR =
  /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")[ \t]*/y;
const SPACES = /[ \t]*/y;

/** More than a way has; a visitor may have written many in front. */
const MAX_ELEMENTS = 100;

/** Null where any of it is malformed, or there are too many. */
export function forwardedElements(text: string): ForwardedElement[] | null {
  const elements: ForwardedElement[] = [];
  let parameters = new Map<string, string>();
  let start = 0;
  let at = 0;
  for (;;) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(text);
    if (pair === null) {
      SPACES.lastIndex = at;
      SPACES.exec(text);
      at = SPACES.lastIndex;
    } else {
      const name = pair[1]!.toLowerCase();
      if (parameters.has(name)) return null;
      parameters.set(name, pair[2] ?? pair[3]!.replace(/\\(.)/g, '$1'));
      at = PAIR.lastIndex;
    }
    const separator = text[at];
    if (separator !== undefined && separator !== ',' && separator !== ';') return null;
    if (separator !== ';') {
      if (elements.length === MAX_ELEMENTS) return null;
      if (parameters.size > 0) elements.push({ text: text.slice(start, at).trim(), parameters });
      if (separator === undefined) return elements;
      parameters = new Map();
      start = at + 1;
    }
    at += 1;
  }
}
