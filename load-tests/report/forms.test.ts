import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chartsOf } from './charts.ts';
import { percentileCurve } from './curve.ts';
import { headline } from './headline.ts';
import { junitReport } from './junit.ts';
import { markdownReport } from './markdown.ts';
import { escapeText, markup, scriptJson } from './markup.ts';
import type { LoadReport } from './model.ts';
import { scaleOf } from './scale.ts';
import { svgReport } from './svg.ts';
import { terminalSummary } from './table.ts';
import { textReport } from './text.ts';
import type { Sections } from './sections.ts';
import { ALL_SECTIONS, HOSTILE, sampleReport } from './testing/sample.ts';

const REPORT = sampleReport();
const FULL = sampleReport({ sections: ALL_SECTIONS, command: 'gate' });
/** Every name that a target or a person can choose, as nasty as it gets. */
const NASTY = sampleReport({
  target: { ...REPORT.target, tunnel: `http://127.0.0.1/${HOSTILE}` },
  verdict: { ...REPORT.verdict, evidence: [HOSTILE] },
  stopped: { reason: 'error', code: 'SP_LOAD_ENGINE', message: HOSTILE },
});

/** What the reader of the percentiles can choose from. */
function viewsOf(steps: LoadReport['steps']): string[] {
  const chart = chartsOf(sampleReport({ steps })).find(({ id }) => id === 'percentiles');
  return (chart?.views ?? []).map(({ label }) => label);
}

/** That every element is closed in order, and the names of those that are there. */
function elementsOf(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  for (const [, slash, name, , selfClosing] of xml.matchAll(/<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (slash === '/') assert.equal(open.pop(), name);
    else {
      names.push(name ?? '');
      if (selfClosing !== '/') open.push(name ?? '');
    }
  }
  assert.deepEqual(open, []);
  return names;
}

describe('the headline', () => {
  test('is the command’s own answer where it has one, with whose fault it is as evidence', () => {
    const { label, tone, evidence } = headline(FULL);
    assert.deepEqual([label, tone], ['The gate failed', 'bad']);
    assert.equal(evidence[0], FULL.verdict.sentence);
    const { soak, capacity, overhead } = ALL_SECTIONS;
    const verdict = { ...REPORT.verdict, fault: 'none' } as const;
    const labelOf = (sections: Sections): string => headline(sampleReport({ sections, verdict })).label;
    assert.equal(labelOf({ soak: soak! }), 'Something leaks');
    assert.equal(labelOf({ capacity: capacity! }), 'Capacity: 1,200 requests/s');
    assert.equal(labelOf({ overhead: overhead! }), 'The tunnel adds +0.410 ms');
  });

  test('is the verdict otherwise, and an unfit generator is no good news', () => {
    assert.equal(headline(REPORT).sentence, REPORT.verdict.sentence);
    const unfit = sampleReport({ verdict: { ...REPORT.verdict, fault: 'generator' } });
    assert.equal(headline(unfit).tone, 'unsure');
  });
});

describe('sections', () => {
  test('are on the terminal and in report.txt, each table under its title', () => {
    const titles = ['The gate', 'The control', 'What the tunnel adds', 'CPU per request', 'Rates that were tried'];
    const more = ['Universal scalability law', 'With other slots', 'Trends over the run', 'A against B', 'TLS modes'];
    for (const text of [terminalSummary(FULL), textReport(FULL)]) {
      for (const title of [...titles, ...more]) assert.match(text, new RegExp(`^${title}`, 'm'), title);
    }
    assert.match(terminalSummary(FULL), /^p50 +1\.20 +\+1\.04 +\+0\.920 … \+1\.18 +\+0\.300 +fail$/m);
    assert.match(terminalSummary(FULL), /^server memory +MiB +81\.2 +145 +\+31\.5 +\+28\.1 … \+36\.2 +rising$/m);
  });

  test('leave out the windows of a long run on the terminal, which report.txt has', () => {
    const many = sampleReport({ steps: Array.from({ length: 20 }, () => REPORT.steps[0]!), sections: ALL_SECTIONS });
    assert.doesNotMatch(terminalSummary(many), /^rate\/s +requests/m);
    assert.match(textReport(many), /^rate\/s +requests/m);
  });
});

describe('report.md', () => {
  test('has the answer first, then the tables with as many cells in every row', () => {
    const text = markdownReport(FULL);
    assert.match(text, /^### ❌ The gate failed\n\nThe candidate is 1\.04 ms slower/);
    const widths = text.split('\n').reduce<number[][]>((tables, line) => {
      if (!line.startsWith('|')) tables.push([]);
      else tables.at(-1)?.push(line.split(/(?<!\\)\|/).length);
      return tables;
    }, []);
    assert.ok(widths.filter((table) => table.length > 0).every((table) => new Set(table).size === 1));
  });

  test('takes no markup, cell or mention from a name', () => {
    const text = markdownReport(
      sampleReport({ verdict: { ...REPORT.verdict, evidence: [`${HOSTILE} @octocat\n# x`] } }),
    );
    const sign = text.split('\n').find((line) => line.includes('octocat'));
    assert.match(sign ?? '', /^- &lt;\/script&gt;.*\\\|\\`.*@\u200Boctocat \\# x$/);
    assert.doesNotMatch(text, /<script|<img/);
  });
});

describe('junit.xml', () => {
  test('has thresholds, gate rows, leak and verdict as cases, and counts them', () => {
    const xml = junitReport(FULL);
    const names = elementsOf(xml);
    assert.equal(names.filter((name) => name === 'testcase').length, 8);
    assert.match(xml, /tests="8" failures="3" errors="0" skipped="1"/);
    assert.match(xml, /name="p99&gt;50ms" time="0\.000"><failure type="threshold" message="p99&gt;50ms at 1000/);
    assert.match(xml, /classname="sallyport\.load\.gate" name="p99" time="0\.000"><skipped\/>/);
  });

  test('keeps to the order of the usual schema, with no attribute that it does not know', () => {
    const xml = junitReport(FULL);
    const order = elementsOf(xml).filter(
      (name, index, all) => name !== all[index - 1] && !['property', 'failure', 'skipped'].includes(name),
    );
    assert.deepEqual(
      [...new Set(order)],
      ['testsuites', 'testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
    );
    assert.match(xml, /timestamp="1970-01-01T00:00:00"/);
  });

  test('passes where whose fault it is was found, as the exit code does, and is an error where the run broke', () => {
    assert.match(junitReport(REPORT), /name="it can be told whose fault it is" time="[\d.]+"\/>/);
    const xml = junitReport(NASTY);
    elementsOf(xml);
    assert.match(xml, /errors="1".*/);
    assert.ok(!xml.includes('<script') && !xml.includes('\u0007'));
  });
});

describe('report.svg', () => {
  test('is the latency against the rate with the knee, whole and readable as XML', () => {
    const svg = svgReport(REPORT) ?? '';
    const names = elementsOf(svg);
    assert.equal(names.filter((name) => name === 'circle').length, 24);
    for (const label of ['tunnel p99', 'direct p50', 'knee', '1,000', 'The backend is at fault'])
      assert.ok(svg.includes(label), label);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  });

  test('is over time where there is one rate, and not there at all without steps', () => {
    const [first] = REPORT.steps;
    const one = svgReport(sampleReport({ steps: [first!] })) ?? '';
    assert.match(one, /Latency over time/);
    assert.doesNotMatch(one, /NaN/);
    assert.equal(svgReport(sampleReport({ steps: [] })), null);
  });

  test('takes no markup from a name', () => {
    const svg = svgReport(NASTY) ?? '';
    elementsOf(svg);
    assert.doesNotMatch(svg, /<script|<img/);
  });
});

describe('charts', () => {
  test('over time go on from step to step, though the last answers of one came after its end', () => {
    const [first, second] = REPORT.steps;
    const late = { ...first!.seconds[0]!, atS: 33.5, lengthS: 0.5 };
    const charts = chartsOf(sampleReport({ steps: [{ ...first!, seconds: [...first!.seconds, late] }, second!] }));
    const [view] = charts.find(({ id }) => id === 'latency-over-time')?.views ?? [];
    const xs = view?.xs ?? [];
    assert.equal(xs.length, 61);
    assert.ok(
      xs.every((x, index) => index === 0 || x > (xs[index - 1] ?? 0)),
      JSON.stringify(xs),
    );
  });

  test('mark the seconds with errors, and put a long run’s seconds together without losing its worst', () => {
    const step = { ...REPORT.steps[5]!, durationS: 6000 };
    const seconds = Array.from({ length: 6000 }, (_, atS) => ({ ...step.seconds[3]!, atS }));
    const { tunnel } = seconds[4001]!.arms;
    seconds[4001] = { ...seconds[4001]!, arms: { tunnel: { ...tunnel!, p99: 9000, failed: 5 } } };
    const charts = chartsOf(sampleReport({ steps: [{ ...step, seconds }] }));
    const [view] = charts.find(({ id }) => id === 'latency-over-time')?.views ?? [];
    assert.equal(view?.xs.length, 600);
    const lineOf = (label: string): (number | null)[] => view?.lines.find((each) => each.label === label)?.values ?? [];
    assert.equal(Math.max(...lineOf('tunnel p99').map((value) => value ?? 0)), 9000);
    assert.deepEqual(
      lineOf('tunnel errors').flatMap((value) => value ?? []),
      [9000],
    );
  });

  test('tell the arms apart by more than colour', () => {
    const step = REPORT.steps[0]!;
    const { tunnel } = step.arms;
    const arms = { tunnel, direct: tunnel, baseline: tunnel, control: tunnel, twin: tunnel };
    const [chart] = chartsOf(
      sampleReport({
        steps: [
          { ...step, arms },
          { ...step, rate: 21, arms },
        ],
      }),
    );
    const looks = (chart?.views[0]?.lines ?? []).map(({ dash, isBold }) => JSON.stringify([dash, isBold]));
    assert.equal(looks.length, 10);
    assert.equal(new Set(looks).size, 10);
  });

  test('of percentiles have a view per rate, but one for windows of one rate', () => {
    assert.equal(viewsOf(REPORT.steps).length, 6);
    assert.deepEqual(viewsOf([REPORT.steps[0]!, REPORT.steps[0]!]), ['whole run']);
  });
});

describe('markup', () => {
  test('escapes what is inserted and nothing that was made by it', () => {
    assert.equal(
      markup`<p title="${'"<'}">${[markup`<b>${'&'}</b>`, null, 1]}</p>`.text,
      '<p title="&quot;&lt;"><b>&amp;</b>1</p>',
    );
    assert.equal(escapeText('\u0000\uD800x'), '\uFFFD\uFFFDx');
  });

  test('puts data into a script that cannot end it', () => {
    const { text } = scriptJson({ name: '</script><!--' });
    assert.ok(!text.includes('<'));
    assert.deepEqual(JSON.parse(text), { name: '</script><!--' });
  });
});

describe('a percentile curve', () => {
  test('is evenly spaced in rarity, and ends where the requests do, with the maximum', () => {
    const curve = percentileCurve((percentile) => percentile, 1000);
    const percentiles = curve.map(([percentile]) => percentile);
    for (const expected of [0, 90, 99, 99.9]) assert.ok(percentiles.includes(expected), `${expected}`);
    assert.ok(!percentiles.includes(99.99));
    assert.equal(percentiles.at(-1), 100);
    assert.ok(curve.length < 30);
    assert.deepEqual(
      percentileCurve(() => 1, 0),
      [],
    );
  });
});

describe('a scale', () => {
  test('has round ends around all values', () => {
    const linear = scaleOf([0, 37, 92], false);
    assert.deepEqual([linear.ticks, linear.place(100)], [[0, 20, 40, 60, 80, 100], 1]);
    const log = scaleOf([0.4, 900], true);
    assert.deepEqual(log.ticks, [1, 10, 100, 1000]);
    assert.ok(Math.abs(log.place(0.2)) < 1e-9 && Math.abs(log.place(1000) - 1) < 1e-9);
  });

  test('stands even where there is one value, or none', () => {
    for (const values of [[], [0], [3]]) {
      for (const isLog of [true, false])
        assert.ok(Number.isFinite(scaleOf(values, isLog).place(3)), JSON.stringify(values));
    }
  });
});
