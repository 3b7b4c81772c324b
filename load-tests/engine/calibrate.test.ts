import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { makePlan } from '../testing/plans.ts';
import { calibrate, portOf } from './calibrate.ts';

describe('the calibration', () => {
  test('loads a null server at twice the plan’s rate over all arms and says what the generator adds', async () => {
    const plan = makePlan('http://127.0.0.1:9/', { steps: [{ rate: 60, durationS: 500 }] });
    const calibration = await calibrate(plan, new AbortController().signal);
    assert.ok(calibration !== null);
    assert.equal(calibration.rate, 120);
    // Fewer are in step only where generator or server were held up, and then most of those were late by that.
    const wasHeldUp = Math.max(calibration.lagP99Ms, calibration.serviceP99Ms) > 100;
    assert.ok(wasHeldUp || calibration.achievedRate > 100, JSON.stringify(calibration));
    assert.ok(calibration.serviceP50Ms > 0 && calibration.serviceP99Ms >= calibration.serviceP50Ms);
    assert.ok(calibration.lagP99Ms >= 0);
    assert.ok(calibration.cpuUsPerRequest > 1, `${calibration.cpuUsPerRequest}`);
  });

  test('is none when it is interrupted', async () => {
    const plan = makePlan('http://127.0.0.1:9/');
    assert.equal(await calibrate(plan, AbortSignal.abort()), null);
    const controller = new AbortController();
    const interrupted = calibrate(plan, controller.signal);
    controller.abort();
    assert.equal(await interrupted, null);
  });
});

test('a null server that never says its port is given up', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'mute-'));
  const file = join(folder, 'mute.mjs');
  writeFileSync(file, 'setInterval(() => {}, 1e6);\n');
  const mute = fork(file, { execArgv: [], stdio: 'ignore' });
  context.after(() => {
    mute.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  assert.equal(await portOf(mute, context.signal, 50), null);
});

test('the null server answers each request once, also those that come in one piece or in two', async (context) => {
  const file = fileURLToPath(new URL('null-server.ts', import.meta.url));
  const server = fork(file, { execArgv: [], stdio: 'ignore' });
  context.after(() => server.kill('SIGKILL'));
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const socket = connect(port, '127.0.0.1');
  context.after(() => socket.destroy());
  let heard = '';
  const answers = (): number => heard.split('HTTP/1.1 200 OK').length - 1;
  const three = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
    if (answers() === 3) three.resolve();
  });
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r');
  await once(socket, 'data');
  socket.write('\n');
  await three.promise;
  assert.equal(answers(), 3);
});
