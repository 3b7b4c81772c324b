import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { LoadReport } from '../model.ts';
import { ALL_SECTIONS, HOSTILE, sampleReport } from '../testing/sample.ts';
import { htmlReport } from './page.ts';

const MAX_BYTES = 600_000;

/** Every string that a target, a person or a backend chooses is hostile. */
function hostileReport(): LoadReport {
  const report = sampleReport({ sections: { compare: { ...ALL_SECTIONS.compare!, a: HOSTILE, b: HOSTILE } } });
  const [first] = report.steps;
  const tunnel = { ...first!.arms.tunnel, statusCodes: { [HOSTILE]: 1 }, errors: { [HOSTILE]: 2 } };
  return {
    ...report,
    steps: [{ ...first!, arms: { ...first!.arms, tunnel } }, ...report.steps.slice(1)],
    target: { ...report.target, tunnel: HOSTILE, direct: HOSTILE, method: HOSTILE },
    profile: { ...report.profile, name: HOSTILE },
    thresholds: [{ expression: HOSTILE, failedAt: [1], worst: 1 }],
    stopped: { reason: 'error', code: 'SP_LOAD_ENGINE', message: HOSTILE },
    verdict: { ...report.verdict, sentence: HOSTILE, evidence: [HOSTILE] },
    evidence: {
      ...report.evidence,
      notes: [HOSTILE],
      limits: [{ part: HOSTILE, limit: HOSTILE, hits: 1 }],
      partCpu: [{ rate: 1, usPerRequest: { [HOSTILE]: 1 } }],
      fingerprint: { [HOSTILE]: HOSTILE },
    },
  };
}

describe('report.html', () => {
  test('says the verdict before everything else', () => {
    const html = htmlReport(sampleReport());
    const [head = ''] = html.slice(html.indexOf('<body>')).split('<nav');
    assert.match(head, /<h1>.*The backend is at fault<\/h1>/);
    assert.match(head, /<p class="sentence">The backend: /);
  });

  test('of a ramp is well under 600 KB, of a soak of a day as well', () => {
    assert.ok(htmlReport(sampleReport()).length < MAX_BYTES / 2);
    const [step] = sampleReport().steps;
    const seconds = Array.from({ length: 86_400 }, (_, atS) => ({ ...step!.seconds[atS % 30]!, atS }));
    assert.ok(htmlReport(sampleReport({ steps: [{ ...step!, durationS: 86_400, seconds }] })).length < MAX_BYTES);
  });

  test('asks the network for nothing, and its policy names the script and the style that are in it', () => {
    const html = htmlReport(sampleReport({ sections: ALL_SECTIONS }));
    assert.doesNotMatch(html.replaceAll(/<script[^]*?<\/script>/g, ''), /\b(?:src|href)="(?!#|data:,)/);
    for (const [tag, directive] of [
      ['style', 'style-src'],
      ['script type="module"', 'script-src'],
    ] as const) {
      const name = tag.split(' ')[0] ?? '';
      const [, text = ''] = html.split(`<${tag}>`);
      const hash = createHash('sha256')
        .update(text.split(`</${name}>`)[0] ?? '')
        .digest('base64');
      assert.ok(html.includes(`${directive} 'sha256-${hash}'`), directive);
    }
    assert.doesNotMatch(html, / style="/);
  });

  test('shows names from the target as text, whatever they are', () => {
    const html = htmlReport(hostileReport());
    assert.doesNotMatch(html, /<img|<script>/);
    assert.equal(html.match(/<script/g)?.length, 2);
    assert.equal(html.match(/<\/script/g)?.length, 2);
    const [, data = ''] = html.split('<script type="application/json" id="charts">');
    assert.ok(Array.isArray(JSON.parse(data.split('</script>')[0] ?? '')));
  });

  test('stands without steps, without the direct arm, without seconds, hops and curves', () => {
    assert.match(htmlReport(sampleReport({ steps: [] })), /<h1>/);
    const bare = sampleReport().steps.map((step) => ({
      ...step,
      addedMs: null,
      hopsMs: null,
      seconds: [],
      arms: { tunnel: step.arms.tunnel },
    }));
    const html = htmlReport(sampleReport({ steps: bare }));
    assert.doesNotMatch(html.split('<script')[0] ?? '', /\b(?:NaN|undefined|Infinity)\b/);
    assert.doesNotMatch(html, /Where the time went/);
  });
});
