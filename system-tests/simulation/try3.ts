import { World } from './world.ts';
for (let s = Number(process.argv[2]); s < Number(process.argv[3]); s++) {
  const t = performance.now();
  process.stderr.write(`\r${s} `);
  try {
    await new World(s).run();
  } catch (e) {
    process.stdout.write(`${s} ${(e as Error).message}\n`);
  }
  const d = performance.now() - t;
  if (d > 300) process.stdout.write(`${s} took ${d.toFixed()}\n`);
}
