import { World } from './world.ts';
const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 200);
const t0 = performance.now();
let bad = 0;
const outcomes: Record<string, number> = {};
const kinds: Record<string, number> = {};
for (let seed = from; seed < from + n; seed++) {
  let w: World | null = null;
  try {
    w = new World(seed);
    await w.run();
    for (const e of w.stage.exchanges) {
      const k = `${e.visitor.outcome}${e.visitor.code ? ' ' + e.visitor.code : ''}`;
      outcomes[k] = (outcomes[k] ?? 0) + 1;
    }
  } catch (e) {
    bad++;
    const m = `${(e as Error).name}: ${(e as Error).message}`;
    const k = m.replace(/\d+/g, '#').slice(0, 100);
    kinds[k] = (kinds[k] ?? 0) + 1;
    if (kinds[k] === 1)
      process.stdout.write(
        `seed ${seed} calm ${w?.stage.plan.isCalm} ${(e as Error).name === 'Violation' ? m : (e as Error).stack}\n`,
      );
  }
}
process.stdout.write(
  `${n} schedules, ${bad} bad, ${((performance.now() - t0) / n).toFixed(2)} ms each\n${JSON.stringify(outcomes)}\n${JSON.stringify(kinds, null, 1)}\n`,
);
