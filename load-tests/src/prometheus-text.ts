/** Enough of the Prometheus text format (0.0.4) to read counters, gauges and histogram buckets of our own parts. */

/** Beyond these a text is cut: a part has some hundred series, and a stranger's answer must not fill memory. */
export const MAX_TEXT_BYTES = 4 * 1024 * 1024;
const MAX_SAMPLES = 20_000;

/** One line: `name{label="value"} 1.5`. Histograms come as `…_bucket` (label `le`), `…_sum` and `…_count`. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

const LINE = /^([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)/;
/** Sticky: looked for anywhere, a long line of a stranger would take a time that grows with the square of its length. */
const LABEL = /[ \t]*([A-Za-z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*,?/gy;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n' };
const SPECIAL_VALUES: Readonly<Record<string, number>> = { '+Inf': Infinity, Inf: Infinity, '-Inf': -Infinity };

/**
 * The samples of a text, at most 20,000. Comments, timestamps and lines of another form are passed over: what cannot be
 * read is missing, and never wrong.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".
 */
export function parsePrometheusText(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.slice(0, MAX_TEXT_BYTES).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const found = LINE.exec(line);
    if (found === null) continue;
    const [, name = '', labels = '', text = ''] = found;
    const value = SPECIAL_VALUES[text] ?? Number(text);
    if (Number.isNaN(value)) continue;
    samples.push({ name, labels: parseLabels(labels), value });
    if (samples.length === MAX_SAMPLES) break;
  }
  return samples;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
  }
  return labels;
}

/** The samples of this name that carry all of `labels`. */
export function select(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): Sample[] {
  const wanted = Object.entries(labels);
  return samples.filter((each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value));
}

/** Their sum; null where there is none. */
export function sumOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number | null {
  const found = select(samples, name, labels);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/**
 * A quantile of what a histogram took in between two readings: the upper bound of the bucket it lies in, in the
 * histogram's own unit, hence never too small. Null where nothing came in; `Infinity` beyond the last bucket.
 * @param quantile 0 to 1
 */
export function quantileBetween(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
  quantile: number,
): number | null {
  const buckets = select(after, `${name}_bucket`)
    .map(({ labels, value }) => {
      const bound = labels['le'] ?? '';
      const was = sumOf(before, `${name}_bucket`, labels) ?? 0;
      return { bound: SPECIAL_VALUES[bound] ?? Number(bound), count: value - was };
    })
    .toSorted((a, b) => a.bound - b.bound);
  const all = buckets.at(-1)?.count ?? 0;
  if (all <= 0) return null;
  return buckets.find(({ count }) => count >= quantile * all)?.bound ?? Infinity;
}
