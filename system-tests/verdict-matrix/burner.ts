/** Takes all the CPU it is given, and ends with its parent. */
const SLICE_MS = 20;

process.once('disconnect', () => process.exit(0));
burn();

function burn(): void {
  const endMs = performance.now() + SLICE_MS;
  while (performance.now() < endMs);
  setImmediate(burn);
}
