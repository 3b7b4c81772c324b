import { World } from './world.ts';
const w = new World(Number(process.argv[2]));
const { requests, ...rest } = w.stage.plan;
console.log(rest);
const k = Number(process.argv[3]);
console.log(requests[k]);
try {
  await w.run();
  console.log('fine');
} catch (e) {
  const x = w.stage.exchanges[k]!;
  console.log(
    w.stage.clock.nowMs(),
    (e as Error).stack,
    {
      sent: x.visitor.source?.sentBytes,
      consumed: x.backend?.sink.consumedBytes,
      received: x.backend?.sink.receivedBytes,
      over: x.backend?.sink.isOver,
      used: x.backend?.context.budget.usedBytes,
      out: x.visitor.outcome,
      started: x.isStarted,
    },
    x.visitor.stream.leg?.sendCredit,
    x.backend?.stream.leg?.receiveCredit,
  );
}
