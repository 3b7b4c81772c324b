import { World } from './world.ts';
const w = new World(Number(process.argv[2]));
const { requests, ...rest } = w.stage.plan;
console.log(rest);
let n = 0;
const { clock } = w.stage;
const turn = clock.turn.bind(clock);
clock.turn = () => {
  if (++n % 200000 === 0) {
    console.log(
      n,
      clock.nowMs(),
      clock.nextDueMs,
      w.stage.traffic.inFlight,
      clock.liveTimers,
      w.stage.exchanges.filter((e) => e.visitor.outcome === null).length,
    );
    if (n > 2e6) {
      clock.after(0, () => {
        throw new Error('x');
      });
    }
  }
  return turn();
};
await w.run();
