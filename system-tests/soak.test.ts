/** `load soak` on a real tunnel, one part of which begins to leak. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadSoak } from '@sallyport/load-tests';
import type { Deployment } from './harness/deployment.ts';

/** Before the harness is loaded, which reads the environment of its commands then. */
process.env['NODE_OPTIONS'] = `--import=${pathToFileURL(join(import.meta.dirname, 'harness/leak.ts')).href}`;
const harness = await import('./harness/deployment.ts');

const RATE = 30;
const DURATION_S = 12;
/** Where the run is long enough to say so; a start-up's own growth is not looked at. */
const LEAKING = ['client descriptors', 'client heap', 'client memory'];

describe('load soak', () => {
  const out = mkdtempSync(join(tmpdir(), 'soak-'));
  let tunnel: Deployment;
  before(async () => {
    tunnel = await harness.Deployment.start({ clients: 1, concurrency: 10 });
  });
  after(async () => {
    rmSync(out, { recursive: true });
    await tunnel.stop();
  });

  async function soak() {
    const { server, entry, client } = tunnel.admin;
    const asked = { target: tunnel.url, admin: [server, entry, ...client], rate: RATE, warmUpS: 2, sampleS: 0.2 };
    const { report, exitCode } = await loadSoak({ ...asked, durationS: DURATION_S, out });
    const { trends = [], isLeaking } = report.sections.soak ?? {};
    const isFit = report.verdict.fault !== 'generator';
    const rising = trends.filter(({ verdict }) => verdict === 'rising').map(({ name }) => name);
    return { rising, isLeaking, exitCode, isFit, sentence: report.sections.soak?.sentence ?? '' };
  }

  it('tells of descriptors in no part of a tunnel that leaks none', async () => {
    const { rising, sentence } = await soak();
    assert.deepEqual(
      rising.filter((name) => name.endsWith('descriptors')),
      [],
      sentence,
    );
  });

  it('names the part that leaks memory and descriptors, and ends with 99', async () => {
    for (const { command } of tunnel.clients) command.signal('SIGUSR2');
    const { rising, isLeaking, exitCode, isFit, sentence } = await soak();
    // On a machine that has no CPU for the generator the series are there, and no verdict.
    assert.deepEqual([isLeaking, exitCode], isFit ? [true, 99] : [null, 3], sentence);
    for (const name of LEAKING) assert.ok(rising.includes(name), `${name}: ${sentence}`);
    const others = rising.filter((name) => name.endsWith('descriptors') && !name.startsWith('client'));
    assert.deepEqual(others, [], sentence);
  });
});
