import { World } from './world.ts';
const w = new World(Number(process.argv[2]));
let n = 0;
const { clock } = w.stage;
const after = clock.after.bind(clock);
const eot = clock.endOfTurn.bind(clock);
const turn = clock.turn.bind(clock);
clock.after = (d, r) => {
  if (n > 90000 && n < 90004) console.log('after', d, new Error().stack!.split('\n').slice(2, 7).join('\n'));
  return after(d, r);
};
clock.endOfTurn = (r) => {
  if (n > 90000 && n < 90004) console.log('eot', new Error().stack!.split('\n').slice(2, 7).join('\n'));
  return eot(r);
};
clock.turn = () => {
  n++;
  return turn();
};
await w.run();
