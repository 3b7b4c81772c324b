import { STATUS_CODES } from 'node:http';

const STATUS_LIMIT = 600;
const KNOWN = new Set(Object.keys(STATUS_CODES).map(Number));

/**
 * Requests by status. The status is a backend's to choose, so the label comes from a closed set: the registered codes as
 * they are, any other by its class (`2xx`), anything outside 100–599 as `other`.
 */
export class StatusCounts {
  readonly #counts = new Float64Array(STATUS_LIMIT);

  count(status: number): void {
    this.#counts[status >= 100 && status < STATUS_LIMIT ? status | 0 : 0]!++;
  }

  /** Each label that has been counted, with its count. */
  entries(): Map<string, number> {
    const totals = new Map<string, number>();
    for (let status = 0; status < STATUS_LIMIT; status++) {
      const count = this.#counts[status]!;
      if (count === 0) continue;
      const label = statusLabel(status);
      totals.set(label, (totals.get(label) ?? 0) + count);
    }
    return totals;
  }
}

const statusLabel = (status: number): string => {
  if (KNOWN.has(status)) return String(status);
  return status < 100 ? 'other' : `${Math.floor(status / 100)}xx`;
};
