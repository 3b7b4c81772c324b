import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chartsOf } from '../charts.ts';
import { headline } from '../headline.ts';
import { Markup, markup, scriptJson } from '../markup.ts';
import type { LoadReport } from '../model.ts';
import { chartBlock, evidenceBlock, factsBlock, verdictBlock } from './blocks.ts';
import { hopBlock } from './hops.ts';
import { sectionBlocks } from './sections.ts';
import { healthTable, machineBlock, partTable, rawTables } from './tables.ts';

/** A part of the page, with the heading that the list of contents leads to. */
export type Block = { id: string; heading: string; body: Markup };

/**
 * `report.html`: one page that holds everything and asks the network for nothing, from a file as from a server. Its policy
 * allows the scripts and styles that are in it by their hashes and nothing else, so that a name from the target could not
 * run even where it got past the escaping. Without scripts all but the charts is there.
 */
export function htmlReport(report: LoadReport): string {
  const charts = chartsOf(report);
  const style = `${library('uPlot.min.css')}\n${own('style.css')}`;
  const script = `${library('uPlot.iife.min.js')}\n${own('page.js')}`;
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const { label } = headline(report);
  const blocks = blocksOf(report);
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<title>${label} · sallyport load ${report.command}</title>
<link rel="icon" href="data:,">
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#verdict">To the verdict</a>
${verdictBlock(report)}
<nav aria-label="Contents"><ul>${blocks.map(({ id, heading }) => markup`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
<main>
${blocks.map(({ id, heading, body }) => markup`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>\n${body}</section>\n`)}
</main>
<footer>${report.tool.name} ${report.tool.version}, ${report.tool.engine} engine, Node ${report.tool.node} · ${report.startedAt} · schema ${report.schema}</footer>
<script type="application/json" id="charts">${scriptJson(charts)}</script>
<script type="module">${new Markup(script)}</script>
</body>
</html>
`;
  return page.text;
}

function blocksOf(report: LoadReport): Block[] {
  const ids = (names: string[]): Markup[] =>
    chartsOf(report)
      .filter(({ id }) => names.includes(id))
      .map((chart) => chartBlock(chart));
  const latency = ids(['latency-by-rate', 'percentiles']);
  const overTime = ids(['latency-over-time', 'rate-over-time']);
  return [
    { id: 'summary', heading: 'In figures', body: factsBlock(report) },
    ...sectionBlocks(report),
    ...(latency.length === 0 ? [] : [{ id: 'latency', heading: 'Latency', body: sideBySide(latency) }]),
    ...(overTime.length === 0 ? [] : [{ id: 'time', heading: 'Over time', body: sideBySide(overTime) }]),
    ...hopBlock(report),
    {
      id: 'generator',
      heading: 'Generator and parts',
      body: markup`${healthTable(report)}${partTable(report)}${evidenceBlock(report)}`,
    },
    { id: 'figures', heading: 'All figures', body: markup`${rawTables(report)}` },
    { id: 'setting', heading: 'Setting', body: machineBlock(report) },
  ];
}

function sideBySide(charts: Markup[]): Markup {
  return markup`<div class="charts">${charts}</div>`;
}

function own(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}

/**
 * A built file of uPlot (MIT, github.com/leeoniya/uPlot), which draws the charts; empty where it is not installed, so that
 * a report without charts is better than none.
 */
function library(name: string): string {
  try {
    return readFileSync(fileURLToPath(new URL(name, import.meta.resolve('uplot'))), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return '';
    throw error;
  }
}

/** As a policy names what is written in the page itself (CSP 3, §8.3). */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
