import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stepsByRate } from '../analysis/capacity.ts';
import { beyondCalibration } from '../analysis/unfit.ts';
import { nextTry, resultOf } from '../analysis/search.ts';
import type { Engine, EnginePlan, StepMeasurement } from '../engine/plan.ts';
import { NO_EVIDENCE } from '../report/evidence.ts';
import { Transcript } from '../testing/fixture.ts';
import { makePlan, makeArm } from '../testing/plans.ts';
import { makeStep } from '../testing/steps.ts';
import type { StepShape } from '../testing/steps.ts';
import { CapacityRun } from './capacity-run.ts';
import type { CapacityRunOptions } from './capacity-run.ts';
import { parseFailIf } from './fail-if.ts';

const URL = 'http://127.0.0.1:9/';
const SEARCH = { rates: [100, 200, 400, 800], resolution: 0.1, maxTries: 40 };

/** An engine that asks nobody: what a step of a plan measures is made up. */
function madeUp(shapeOf: (rate: number, plan: EnginePlan) => Omit<StepShape, 'rate'>): Engine {
  return {
    name: 'embedded',
    run: async (plan, events) => {
      for (const { rate } of plan.steps) {
        const { arms, ...step } = makeStep({ rate, hops: null, ...shapeOf(rate, plan) });
        const { tunnel, direct } = arms;
        const isDirect = plan.arms[0]?.name === 'direct';
        const measurement: StepMeasurement = {
          ...step,
          arms: isDirect && direct !== undefined ? { direct } : { tunnel },
          histograms: null,
        };
        events.onStep(measurement);
      }
      return { error: null, totals: null };
    },
  };
}

async function search(engine: Engine, changes: Partial<CapacityRunOptions> = {}) {
  const stderr = new Transcript();
  const plan = makePlan(URL, { arms: [makeArm('tunnel', URL), makeArm('direct', URL)] });
  const common = { thresholds: [], signal: undefined, stderr, isTty: false };
  const run = new CapacityRun({ plan, engine, watched: engine, pauseS: 0, ...common, ...changes });
  for (let next = nextTry(SEARCH, run.tries); next !== null; next = nextTry(SEARCH, run.tries)) {
    if (!(await run.attempt(next))) break;
  }
  return { run, result: resultOf(SEARCH, run.tries), stderr };
}

const overloadedFrom = (capacity: number) => (rate: number) => (rate > capacity ? { tunnel: { achieved: 0.8 } } : {});

describe('a search on a system that is made up', () => {
  test('encloses its capacity, and says what became of each try', async () => {
    const { result, stderr } = await search(madeUp(overloadedFrom(300)));
    assert.ok(result.isConfirmed);
    assert.ok(result.knee !== null && result.knee.carriedRate <= 300 && result.knee.refusedRate > 300);
    assert.match(stderr.text, /refused \(step\): 80\.0 % of the offered load/);
    assert.match(stderr.text, /carried \(confirmation\)/);
  });

  test('tries the tunnel alone, and the backend alone where it is asked to', async () => {
    const asked: string[] = [];
    const engine = madeUp((rate, plan) => {
      asked.push(`${plan.arms.map(({ name }) => name).join('+')} ${rate}`);
      return overloadedFrom(300)(rate);
    });
    const { run } = await search(engine);
    assert.ok(asked.every((each) => each.startsWith('tunnel ')));
    await run.measureDirect([100]);
    assert.equal(asked.at(-1), 'direct 100');
    const { steps, measurements } = run.chosen(run.tries.slice(0, 2));
    assert.deepEqual(
      steps.map(({ rate, arms }) => [rate, arms.direct !== undefined]),
      [
        [100, true],
        [200, false],
      ],
    );
    assert.equal(measurements.length, 2);
  });

  test('makes other arrivals for each try', async () => {
    const seeds = new Set<number>();
    let tries = 0;
    const engine = madeUp((rate, plan) => {
      if (rate !== 50) {
        seeds.add(plan.seed);
        tries += 1;
      }
      return overloadedFrom(300)(rate);
    });
    await search(engine);
    assert.ok(tries > 4);
    assert.equal(seeds.size, tries);
  });

  test('holds the backend, asked alone afterwards, not against the generator', async () => {
    const { run, result } = await search(madeUp((rate) => (rate > 300 ? { tunnel: { achieved: 0.8 } } : {})));
    await run.measureDirect([result.refusedRate ?? 0]);
    const { steps } = run.chosen(stepsByRate(run.tries));
    const calibration = { rate: 800, achievedRate: 500, lagP99Ms: 1, serviceP50Ms: 0.1, serviceP99Ms: 0.5 };
    const evidence = { ...NO_EVIDENCE, calibration: { ...calibration, cpuUsPerRequest: 50 } };
    const refused = steps.find(({ rate }) => rate === result.refusedRate);
    assert.deepEqual([refused?.arms.direct !== undefined, refused?.apart], [true, ['direct']]);
    assert.deepEqual(refused && beyondCalibration(evidence, refused), []);
    assert.equal(refused && beyondCalibration(evidence, { ...refused, apart: [] }).length, 1);
  });

  test('takes a threshold for a limit', async () => {
    const engine = madeUp((rate) => ({ tunnel: { p50: rate > 300 ? 4 : 1, p99: 4 } }));
    const { result, run } = await search(engine, { thresholds: [parseFailIf('p50>3ms')] });
    assert.ok(result.knee !== null && result.knee.carriedRate <= 300 && result.knee.refusedRate > 300);
    assert.deepEqual(run.tries.find(({ outcome }) => outcome === 'refused')?.reasons, ['p50>3ms']);
  });

  test('ends when the target does not recover from a try, and says so', async () => {
    let isBroken = false;
    const engine = madeUp((rate) => {
      isBroken ||= rate > 300;
      return isBroken ? { tunnel: { p50: 500, p99: 900, achieved: 0.5 } } : {};
    });
    const { run, result } = await search(engine);
    assert.match(run.trouble ?? '', /did not recover from 400\/s within \d/);
    assert.deepEqual([result.carriedRate, result.refusedRate], [200, 400]);
  });

  test('waits until the target has settled', async () => {
    let slowChecks = 0;
    const engine = madeUp((rate) => {
      if (rate === 400) slowChecks = 3;
      if (rate === 50 && slowChecks > 0) {
        slowChecks -= 1;
        return { tunnel: { p50: 200, p99: 300 } };
      }
      return overloadedFrom(300)(rate);
    });
    const { run, result } = await search(engine);
    assert.equal(run.trouble, null);
    assert.ok(result.isConfirmed);
  });

  test('does not take a generator that gives out for the knee', async () => {
    const engine = madeUp((rate) => (rate > 300 ? { tunnel: { achieved: 0.8 }, elu: 0.95 } : {}));
    const { result } = await search(engine);
    assert.deepEqual([result.knee, result.carriedRate, result.unfitRate], [null, 200, 400]);
  });
});
