/** Pieces of PromQL that several panels share. `$__rate_interval` is Grafana's: long enough for four scrapes. */

/** Per second. */
export const rate = (series: string): string => `rate(${series}[$__rate_interval])`;

/** Of a histogram; `labels` as within braces, `by` the labels that are kept apart. */
export function quantile(q: number, histogram: string, labels: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${rate(`${histogram}_bucket{${labels}}`)}))`;
}

/** Mean of a histogram. */
export function mean(histogram: string, labels: string, by: readonly string[] = []): string {
  const sum = (what: string) => `sum by (${by.join(', ')}) (${rate(`${histogram}_${what}{${labels}}`)})`;
  return `${sum('sum')} / ${sum('count')}`;
}

/** What is more than 0, or one 0 named "none": an empty panel would look like a broken one. */
export function orNone(expression: string, label: string): string {
  return `(${expression} > 0) or on () label_replace(vector(0), "${label}", "none", "", "")`;
}

/** The same for one series without labels. */
export const orZero = (expression: string): string => `${expression} or on () vector(0)`;
