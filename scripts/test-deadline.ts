// Loaded before each test file (`npm test`). A file that something keeps alive after its tests would keep the whole run
// from ending, and the runner's own --test-timeout does not end it (Node 26.10): this does, and says what was left.
const DEADLINE_MS = 600_000;

if (process.env.NODE_TEST_CONTEXT !== undefined) {
  setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`${process.argv[1]}: still running after ${DEADLINE_MS / 1000} s; open: ${left}\n`);
    process.exit(1);
  }, DEADLINE_MS).unref();
}
