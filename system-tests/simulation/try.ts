import { World } from './world.ts';
let late = 0, lateWaiting = 0, calm = 0;
for (let s = 1; s < 3000; s++) { const w = new World(s); if (!w.stage.isFlawless) continue; calm++;
  let l = false, lw = false; const t = w.stage.clock.turn.bind(w.stage.clock);
  w.stage.clock.turn = () => { for (const [link, c] of w.relay.clientLinks) if (link.life.isLate) { l = true; for (const x of w.relay.sessions.values()) if (x.links.has(c) && x.waiting > 0) { lw = true; } } return t(); };
  await w.run(); if (l) late++; if (lw) lateWaiting++; }
console.log({ calm, late, lateWaiting });
