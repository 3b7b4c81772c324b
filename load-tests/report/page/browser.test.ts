import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ALL_SECTIONS, sampleReport } from '../testing/sample.ts';
import { htmlReport } from './page.ts';

const CHROMIUM = process.env['SALLYPORT_CHROMIUM'] ?? '/usr/bin/chromium';
const WIDTHS = [1280, 400] as const;
const SCHEMES = ['light', 'dark'] as const;
/** More tab stops than any report has controls. */
const MAX_STOPS = 200;

/** As much of playwright-core as is used here; it may not be installed, so that its own types cannot be named. */
type Page = {
  goto(url: string): Promise<unknown>;
  on(event: 'console', heard: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', heard: (error: Error) => void): void;
  on(event: 'request', heard: (request: { url(): string }) => void): void;
  evaluate<Result>(script: string): Promise<Result>;
  keyboard: { press(key: string): Promise<void> };
  locator(selector: string): {
    first(): { textContent(): Promise<string | null>; focus(): Promise<void>; isVisible(): Promise<boolean> };
  };
  close(): Promise<void>;
};
type Browser = {
  newPage(options: { viewport: { width: number; height: number }; colorScheme: string }): Promise<Page>;
  close(): Promise<void>;
};
type Playwright = { chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> } };

const library: string = 'playwright-core';
const playwright = await import(library).then(
  (module) => module as Playwright,
  () => null,
);
const isThere = playwright !== null && existsSync(CHROMIUM);
const mustRun = process.env['SALLYPORT_NO_SKIP'] === '1';
const skip = !isThere && !mustRun && 'chromium or playwright-core is not installed (apt-get install chromium)';

describe('report.html in a browser', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  const file = join(folder, 'report.html');
  let browser: Browser;

  before(async () => {
    assert.ok(playwright !== null, 'playwright-core is not installed');
    writeFileSync(file, htmlReport(sampleReport({ sections: ALL_SECTIONS, command: 'gate' })));
    browser = await playwright.chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await browser?.close();
  });

  /** The page as opened, and what went wrong or out since. */
  async function open(width: number, scheme: string) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    const problems: string[] = [];
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) problems.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return { page, problems };
  }

  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      test(`is whole at ${width} px, ${scheme}: no error, no request, nothing to scroll sideways, the verdict in sight`, async () => {
        const { page, problems } = await open(width, scheme);
        assert.deepEqual(problems, []);
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
        assert.equal(await page.locator('h1').first().textContent(), 'The gate failed');
        assert.ok(await page.locator('.sentence').first().isVisible());
        const [charts, drawn] = await page.evaluate<[number, number]>(
          "[document.querySelectorAll('[data-chart]').length, document.querySelectorAll('[data-chart] canvas').length]",
        );
        assert.equal(charts, 5);
        assert.equal(drawn, charts);
        await page.close();
      });
    }
  }

  test('is reached in full by the tab key, in the order of the page, and shows where the focus is', async () => {
    const { page, problems } = await open(1280, 'light');
    const controls = await page.evaluate<number>(
      "(window.controls = [...document.querySelectorAll('a[href], select, .plot, .table')]).length",
    );
    const reached: number[] = [];
    for (let stop = 0; stop < MAX_STOPS; stop += 1) {
      await page.keyboard.press('Tab');
      const [index, outline] = await page.evaluate<[number, string]>(
        '[controls.indexOf(document.activeElement), getComputedStyle(document.activeElement).outlineStyle]',
      );
      if (index < 0 || reached.includes(index)) break;
      assert.notEqual(outline, 'none', `control ${index} shows its focus`);
      reached.push(index);
    }
    assert.deepEqual(
      reached,
      Array.from({ length: controls }, (_, index) => index),
    );
    assert.deepEqual(problems, []);
    await page.close();
  });

  test('reads a chart value by value with the arrow keys, and a chosen step with the others', async () => {
    const { page, problems } = await open(1280, 'light');
    await page.locator('[data-chart="latency-by-rate"] .plot').first().focus();
    const readout = page.locator('[data-chart="latency-by-rate"] .readout').first();
    await page.keyboard.press('Home');
    assert.match((await readout.textContent()) ?? '', /tunnel p99 2\.10 ms.*at 20\/s/);
    await page.keyboard.press('End');
    assert.match((await readout.textContent()) ?? '', /tunnel p99 1900 ms.*at 1,000\/s/);
    await page.keyboard.press('Escape');
    assert.doesNotMatch((await readout.textContent()) ?? '', /\d\/s/);
    const shown = "document.querySelector('[data-chart=percentiles] .plot').getAttribute('aria-label')";
    assert.match(await page.evaluate<string>(shown), /1,000 requests/);
    await page.locator('[data-chart=percentiles] select').first().focus();
    await page.keyboard.press('ArrowUp');
    assert.match(await page.evaluate<string>(shown), /500 requests/);
    assert.deepEqual(problems, []);
    await page.close();
  });
});
