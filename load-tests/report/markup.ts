/** Markup in which every inserted string is text unless it was made here: names and addresses are a stranger's. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Inserted = string | number | Markup | readonly Inserted[] | null;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Characters that neither XML 1.0 nor HTML may hold, not even as a reference (XML 1.0 §2.2). */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** Text for an element or a quoted attribute, of XML and HTML alike. */
export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(FORBIDDEN, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** A template whose insertions are escaped; attributes must be quoted. Null inserts nothing. */
export function markup(strings: TemplateStringsArray, ...values: readonly Inserted[]): Markup {
  const parts = strings.map((part, index) => (index === 0 ? part : insert(values[index - 1] ?? null) + part));
  return new Markup(parts.join(''));
}

function insert(value: Inserted): string {
  if (value === null) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeText(`${value}`);
  return value.map((each) => insert(each)).join('');
}

/** Data for a `<script type="application/json">`: no character of it can end the element or begin a comment. */
export function scriptJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}
