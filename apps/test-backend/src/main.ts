/** `node apps/test-backend/src/main.ts [port]`: the backend as a process of its own; one JSON line when it is ready. */
import { startBackend } from './index.ts';

const port = Number(process.argv[2] ?? 12007);
try {
  const backend = await startBackend({ host: '127.0.0.1', port });
  // No exit call: the process ends because nothing is left, which is what the test of our timers looks at.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void backend.close());
  process.stdout.write(`${JSON.stringify({ event: 'ready', url: backend.url })}\n`);
} catch (error) {
  process.stderr.write(`test backend: ${(error as Error).message}; give a free port (0 takes any)\n`);
  process.exitCode = 2;
}
