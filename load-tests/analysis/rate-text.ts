const MAX_DECIMALS = 3;

/** A rate for a sentence, requests per second: as it is, but with at most three decimals. */
export function rateText(ratePerS: number): string {
  return Number(ratePerS.toFixed(MAX_DECIMALS)).toString();
}
