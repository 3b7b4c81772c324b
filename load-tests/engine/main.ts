/** The generator's process: takes one plan over IPC, runs it, reports, ends. Started by `embedded.ts`. */
import { Generator } from './generator.ts';
import type { FromGenerator, ToGenerator } from './messages.ts';

const tell = (message: FromGenerator): void => {
  if (process.connected) process.send?.(message);
};

async function main(): Promise<void> {
  const inbox = Promise.withResolvers<Generator>();
  let generator: Generator | null = null;
  // Ctrl-C reaches every process of the terminal; the parent alone decides what it means and says `stop`.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.once('disconnect', () => process.exit(1));
  process.on('message', (message: ToGenerator) => {
    if (message.type === 'stop') return generator?.stop();
    generator ??= new Generator(message.plan, {
      onWarmUp: (measurement) => tell({ type: 'warm-up', measurement }),
      onProgress: (progress) => tell({ type: 'progress', progress }),
      onStep: (measurement) => tell({ type: 'step', measurement }),
    });
    inbox.resolve(generator);
  });
  try {
    await (await inbox.promise).run();
    tell({ type: 'end' });
  } catch (error) {
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}

await main();
