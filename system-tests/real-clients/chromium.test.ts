/** A browser: what a page does with the tunnel it came through. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, needs } from '../harness/needs.ts';
import { realClient } from './clients.ts';
import { FILE, FILE_SHA256 } from './site.ts';

/** A browser on two cores that others use as well. */
const LIMIT_MS = 60_000;
/** Runs in the page. Each is asked with an address relative to the page, as pages are written. */
const IN_PAGE = `
  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const sha256 = async (data) => hex(await crypto.subtle.digest('SHA-256', data));
  const webSocket = (path) => new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')));
  const next = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
`;

function within<Result>(page: Page, script: string): Promise<Result> {
  return page.evaluate<Result>(`(async () => { ${IN_PAGE} ${script} })()`);
}

for (const [name, isSecure, protocol] of [
  ['Chromium', false, 'http/1.1'],
  ['Chromium over HTTP/2', true, 'h2'],
] as const) {
  realClient(name, { ...needs('chromium'), isSecure }, (bench) => {
    let browser: Browser;
    before(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: LIMIT_MS });
    });
    after(() => browser.close());

    async function open(): Promise<{ page: Page; problems: string[] }> {
      const page = await browser.newPage({ ignoreHTTPSErrors: isSecure });
      page.setDefaultTimeout(LIMIT_MS);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('requestfailed', (request) => problems.push(`${request.url()}: ${request.failure()?.errorText ?? ''}`));
      await page.goto(bench.url);
      return { page, problems };
    }

    it('shows a page with what belongs to it', async () => {
      const { page, problems } = await open();
      assert.deepEqual([await page.title(), await page.textContent('h1')], ['A page', 'Through the tunnel']);
      const spoken = 'return performance.getEntriesByType("navigation")[0].nextHopProtocol;';
      assert.equal(await within(page, spoken), protocol);
      assert.deepEqual(problems, []);
      await page.close();
    });

    it('fetches a file whole and a range of it', async () => {
      const { page, problems } = await open();
      const script = `
        const whole = await (await fetch('file')).arrayBuffer();
        const part = await fetch('file', { headers: { Range: 'bytes=5-9' } });
        return [await sha256(whole), part.status, (await part.arrayBuffer()).byteLength];`;
      assert.deepEqual(await within(page, script), [FILE_SHA256, 206, 5]);
      assert.deepEqual(problems, []);
      await page.close();
    });

    it('reads a streamed answer piece by piece, as the backend wrote it', async () => {
      const { page, problems } = await open();
      // Each piece is written only when the one before it has been read.
      const script = `
        const pieces = [];
        for await (const piece of (await fetch('steps')).body) {
          pieces.push(new TextDecoder().decode(piece));
          if (pieces.length < 3) await fetch('step');
        }
        return pieces;`;
      assert.deepEqual(await within(page, script), ['step 1', 'step 2', 'step 3']);
      assert.deepEqual(problems, []);
      await page.close();
    });

    it('hears server-sent events', async () => {
      const { page, problems } = await open();
      const script = `
        const source = new EventSource('events?n=3&gap=100');
        const heard = [];
        for (let i = 0; i < 3; i += 1) {
          const { data, lastEventId } = await next(source, 'message');
          heard.push([lastEventId, data]);
        }
        source.close();
        return heard;`;
      assert.deepEqual(await within(page, script), [
        ['0', 'event 0'],
        ['1', 'event 1'],
        ['2', 'event 2'],
      ]);
      assert.deepEqual(problems, []);
      await page.close();
    });

    it('speaks WebSocket: text, 1 MiB, compressed as it agreed with the backend, and a close with its reason', async () => {
      const { page, problems } = await open();
      const script = `
        const ws = webSocket('chat');
        ws.binaryType = 'arraybuffer';
        await next(ws, 'open');
        ws.send('grüß Gott');
        const text = (await next(ws, 'message')).data;
        const large = new Uint8Array(1024 * 1024).map((_, i) => i * 7);
        ws.send(large);
        const back = (await next(ws, 'message')).data;
        const isSame = (await sha256(back)) === (await sha256(large));
        ws.close(4321, 'enough');
        const { code, reason, wasClean } = await next(ws, 'close');
        return { text, isSame, extensions: ws.extensions, code, reason, wasClean };`;
      const { extensions, ...seen } = await within<Record<string, unknown>>(page, script);
      assert.deepEqual(seen, { text: 'grüß Gott', isSame: true, code: 4321, reason: 'enough', wasClean: true });
      assert.match(String(extensions), /^permessage-deflate/);
      assert.deepEqual(problems, []);
      await page.close();
    });

    it('uploads a file', async () => {
      const { page, problems } = await open();
      const script = `
        const file = new File([await (await fetch('file')).arrayBuffer()], 'a.bin');
        const sent = await (await fetch('upload', { method: 'PUT', body: file })).json();
        const form = new FormData();
        form.append('file', file);
        const formed = await (await fetch('upload', { method: 'POST', body: form })).json();
        return [sent.sha256, sent.contentLength, formed.bytes > file.size];`;
      assert.deepEqual(await within(page, script), [FILE_SHA256, String(FILE.length), true]);
      assert.deepEqual(problems, []);
      await page.close();
    });
  });
}
