/** A promise that was broken, with what a person needs to see of it. */
export class Violation extends Error {
  override name = 'Violation';
}

export function expect(holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(what());
}
