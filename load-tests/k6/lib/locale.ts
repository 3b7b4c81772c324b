const { prototype } = Number;

/** k6's JavaScript knows no locales: it takes the first argument of `toLocaleString` for a radix. Runs in k6 alone. */
export function teachThousands(): void {
  Object.defineProperty(prototype, 'toLocaleString', { value: grouped });
}

function grouped(this: number, _locale?: unknown, options: { maximumFractionDigits?: number } = {}): string {
  const { maximumFractionDigits = 3 } = options;
  const [whole = '', fraction] = `${Number(this.toFixed(maximumFractionDigits))}`.split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}
