import { Registry } from 'prom-client';
import { helpOf } from './catalogue.ts';
import { Counter, LabelledCounter } from './counter.ts';
import { Histogram } from './histogram.ts';
import { Readings } from './readings.ts';
import { histogramSamples, type Labels, registerSampled, type Sample } from './sampled-metric.ts';

export type Part = 'entry' | 'server' | 'client';

type HistogramOptions = { help?: string; boundsS?: readonly number[]; labels?: Labels };

/**
 * The metrics of one part, in a registry of its own, since several parts may share a process. Every method that takes a
 * name throws when it is taken or is not a name; none throws later. `part` is added to the labels. Names should follow
 * Prometheus: `sallyport_…`, seconds and bytes, `_total` for what is counted.
 */
export class PartMetrics {
  readonly part: Part;
  readonly registry = new Registry();
  protected readonly labels: Labels;
  readonly #readings: Readings;
  readonly #scrapeErrors: Counter;

  constructor(part: Part, onSeriesLimit: () => void) {
    this.part = part;
    this.labels = { part };
    this.#scrapeErrors = this.counter('sallyport_scrape_errors_total');
    this.#readings = new Readings(this.registry, { onError: () => this.#scrapeErrors.inc(), onFull: onSeriesLimit });
  }

  /** A count kept here. */
  counter(name: string, help = helpOf(name) ?? name, labels: Labels = this.labels): Counter {
    const counter = new Counter();
    this.sampled('counter', name, () => [{ labels, value: counter.value }], help);
    return counter;
  }

  /** Counts told apart by one more label, 128 values of it at most; later ones count as `other`. `known` start at 0. */
  labelledCounter(name: string, label: string, known?: readonly string[], help?: string): LabelledCounter {
    const counter = new LabelledCounter(known);
    this.sampled('counter', name, () => this.perLabel(label, counter.entries()), help);
    return counter;
  }

  /** A histogram of seconds kept here, with bounds that must rise. */
  histogram(name: string, options: HistogramOptions = {}): Histogram {
    const { help, boundsS, labels = this.labels } = options;
    const histogram = new Histogram(boundsS);
    this.sampled('histogram', name, () => histogramSamples(name, labels, histogram), help);
    return histogram;
  }

  /**
   * A value read when somebody scrapes. A `read` that throws leaves its line out of that scrape and is counted
   * (`sallyport_scrape_errors_total`). One name has at most 1,000 series; those beyond are left out, and that is a limit
   * that was reached. The answer takes the series away again.
   */
  gauge(name: string, labels: Labels, read: () => number, help?: string): () => void {
    return this.#readings.add('gauge', name, { ...this.labels, ...labels }, read, help);
  }

  /** The same for a count that only rises and that somebody else keeps, such as the bytes a link has sent. */
  counterOf(name: string, labels: Labels, read: () => number, help?: string): () => void {
    return this.#readings.add('counter', name, { ...this.labels, ...labels }, read, help);
  }

  /**
   * A configured limit and how much of it is used, both read at a scrape: their ratio says how near it is. Where it
   * bounds several things of one kind (a queue a session), both are those of the fullest.
   */
  limit(limit: string, value: () => number, used: () => number): void {
    this.gauge('sallyport_limit', { limit }, value);
    this.gauge('sallyport_limit_used', { limit }, used);
  }

  /** Everything in Prometheus' text format, to be sent as `contentType`. */
  metricsText(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  protected sampled(
    type: 'counter' | 'gauge' | 'histogram',
    name: string,
    collect: () => Sample[],
    help = helpOf(name) ?? name,
  ): void {
    registerSampled(this.registry, { name, help, type }, collect);
  }

  protected perLabel(label: string, entries: Iterable<[string, number]>): Sample[] {
    return Array.from(entries, ([value, count]) => ({ labels: { ...this.labels, [label]: value }, value: count }));
  }
}
