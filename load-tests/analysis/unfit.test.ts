import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_EVIDENCE } from '../report/evidence.ts';
import type { StepReport } from '../report/model.ts';
import { makeStep, makeSteps } from '../testing/steps.ts';
import { verdict } from './verdict.ts';

const calibrated = (achievedRate: number) => ({
  ...NO_EVIDENCE,
  calibration: { rate: 4000, achievedRate, lagP99Ms: 1, serviceP50Ms: 0.1, serviceP99Ms: 0.5, cpuUsPerRequest: 50 },
});

/** Ten seconds whose medians rise by so many milliseconds each. */
function climbing(rate: number, riseMs: number): StepReport {
  const step = makeStep({ rate, hops: { queue: 10 * riseMs } });
  const seconds = step.seconds.map((second, index) => {
    const { tunnel } = second.arms;
    const p50 = 1 + riseMs * index;
    return tunnel === undefined
      ? second
      : { ...second, arms: { ...second.arms, tunnel: { ...tunnel, p50, p99: p50 } } };
  });
  return { ...step, seconds };
}

describe('a rate beyond what the generator was calibrated for', () => {
  const steps = makeSteps([
    { rate: 100 },
    { rate: 1000, tunnel: { p50: 80, p99: 300, achieved: 0.9 }, hops: { queue: 280 } },
  ]);

  test('is the generator’s fault', () => {
    const { fault, evidence } = verdict(steps, calibrated(1500));
    assert.equal(fault, 'generator');
    assert.match(evidence.join('\n'), /calibrated at 1500\/s .* less than the 2000\/s offered/);
  });

  test('is not when the calibration carried more, or all that it was offered', () => {
    assert.equal(verdict(steps, calibrated(2500)).fault, 'tunnel');
    assert.equal(verdict(steps, calibrated(4000)).fault, 'tunnel');
  });
});

describe('latency that climbs through the last step', () => {
  test('is a rate beyond capacity though its p99 passes', () => {
    const { fault, hop, kneeRate, evidence } = verdict([makeStep({ rate: 100 }), climbing(200, 3)]);
    assert.deepEqual([fault, hop, kneeRate], ['tunnel', 'queue', 200]);
    assert.match(evidence.join('\n'), /p50 rises by 3\.0 ms each second/);
  });

  test('is none when higher rates are carried', () => {
    assert.equal(verdict([makeStep({ rate: 100 }), climbing(200, 3), makeStep({ rate: 400 })]).fault, 'none');
  });
});

describe('a delay on a machine without enough CPU', () => {
  const slow = { tunnel: { p50: 52, p99: 56 }, direct: { p50: 9, p99: 20 }, hops: { uplink: 50 } };

  test('is the machine’s: the parts wait for a core', () => {
    const partCpu = [
      { rate: 50, usPerRequest: {}, cores: { entry: 0.05, client: 0.03 }, loopBusy: { entry: 0.4, client: 0.3 } },
    ];
    const steps = makeSteps([
      { rate: 50, ...slow },
      { rate: 100, ...slow },
    ]);
    assert.equal(verdict(steps, { ...NO_EVIDENCE, partCpu }).fault, 'generator');
    assert.equal(verdict(steps).fault, 'tunnel');
  });
});
