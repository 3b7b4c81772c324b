import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { makeCertificates } from '../testing/certificates.ts';
import { Transcript, answerWell, startFixture } from '../testing/fixture.ts';
import type { LoadOptions } from './load-options.ts';
import { checkTarget, judgeCertificate } from './preflight.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const DAY_MS = 86_400_000;

type Checks = Partial<LoadOptions> & { target: string };

/** The lines that the check says. */
async function check(options: Checks): Promise<string> {
  const stderr = new Transcript();
  await checkTarget({ check: true, stderr, ...options });
  return stderr.text;
}

const refuses = (options: Checks, message: RegExp): Promise<void> =>
  assert.rejects(check(options), { name: 'LoadError', code: 'SP_LOAD_PREFLIGHT', exitCode: 2, message });

async function serve(context: TestContext, answer: RequestListener): Promise<string> {
  const fixture = await startFixture(answer);
  context.after(() => fixture.stop());
  return fixture.url;
}

async function listen(context: TestContext, server: Server): Promise<number> {
  context.after(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const authorizationOf = ({ headers }: IncomingMessage): string => headers.authorization ?? '';

describe('the check before a run', () => {
  test('tells name, connection and answer of both arms, a line each', async (context) => {
    const url = await serve(context, answerWell);
    const text = await check({ target: url.replace('127.0.0.1', 'localhost'), direct: url });
    assert.match(text, /^check tunnel: localhost is .*127\.0\.0\.1/m);
    assert.match(text, /^check tunnel: http:\/\/localhost:\d+ connects in [\d.]+ ms$/m);
    assert.match(text, /^check tunnel: GET \/loadtest\/get answers 200$/m);
    assert.match(text, /^check direct: GET \/loadtest\/get answers 200$/m);
  });

  test('only connects on this machine, unless more is asked for', async (context) => {
    let asked = 0;
    const url = await serve(context, (_request, response) => {
      asked += 1;
      response.end();
    });
    assert.equal(await check({ target: url, direct: url, check: false }), '');
    assert.equal(asked, 0);
  });

  test('stops where nothing listens for either arm, on this machine too', async (context) => {
    const url = await serve(context, answerWell);
    const dead = 'http://127.0.0.1:1/';
    const refused = { code: 'SP_LOAD_UNREACHABLE', exitCode: 2 };
    await assert.rejects(check({ target: dead, check: false }), {
      ...refused,
      message: /^http:\/\/127\.0\.0\.1:1: nothing listens there \(ECONNREFUSED\); start it, or correct the address$/,
    });
    await assert.rejects(check({ target: url, direct: dead, check: false }), {
      ...refused,
      message: /:1: nothing listens there .* correct --direct$/,
    });
  });

  test('shows no query values', async (context) => {
    const url = await serve(context, answerWell);
    assert.doesNotMatch(await check({ target: `${url}a?token=hunter2` }), /hunter2/);
  });

  test('stops for a name that does not resolve, and where nothing listens', async () => {
    await refuses(
      { target: 'http://no-such-host.invalid/', yesIRunThisTarget: true, check: undefined },
      /no-such-host\.invalid: .*(resolve|resolution|no answer in time).*; correct the name/,
    );
    await refuses({ target: 'http://127.0.0.1:1/' }, /:1: nothing listens there \(ECONNREFUSED\); start it, or open/);
  });

  test('stops for an answer that a load test has no use for, and says what to correct', async (context) => {
    const url = await serve(context, (request, response) => {
      const status = Number(request.url?.slice(1));
      const problem = { code: 'SP_NO_CLIENT', hop: 'link' };
      if (status === 503) response.setHeader('content-type', 'application/problem+json');
      if (status === 429) response.setHeader('retry-after', '30');
      response.writeHead(status).end(status === 503 ? JSON.stringify(problem) : '');
    });
    await refuses({ target: `${url}404` }, /\/404 answers 404; correct the path of the target, its session's id/);
    await refuses({ target: `${url}401` }, /answers 401; give --credentials FILE/);
    await refuses({ target: `${url}503` }, /answers 503 \(SP_NO_CLIENT\); see that a client is connected/);
    await refuses({ target: `${url}429` }, /answers 429, Retry-After: 30: it limits already; wait, or raise its limit/);
    await refuses({ target: `${url}500` }, /answers 500; make one request succeed first/);
  });

  test('tries the credentials, and names the one that is refused but not its secret', async (context) => {
    const url = await serve(context, (request, response) => {
      response.writeHead(authorizationOf(request) === 'Bearer bad.hunter2' ? 403 : 200).end();
    });
    const good = [1, 2, 3].map((id) => ({ id: `${id}`, secret: 's' }));
    const options: Checks = { target: url, auth: 'bearer', credentials: good };
    assert.match(await check(options), /tunnel: 3 of 3 credentials tried and accepted/);
    const credentials = [...good, { id: 'bad', secret: 'hunter2' }];
    await refuses({ ...options, credentials }, /^(?!.*hunter2).*answers 403 to the credential "bad"; correct it/);
  });

  test('shows the limits that the target tells', async (context) => {
    const url = await serve(context, (_request, response) => {
      response.writeHead(200, { 'RateLimit-Policy': '"default";q=100;w=60', 'X-RateLimit-Remaining': '99' }).end();
    });
    const text = await check({ target: url });
    assert.match(text, /it limits rates \(ratelimit-policy: "default";q=100;w=60, x-ratelimit-remaining: 99\)/);
  });

  test('does without an answer once it is interrupted', async (context) => {
    const stop = new AbortController();
    const url = await serve(context, () => stop.abort());
    assert.match(await check({ target: url, signal: stop.signal }), /connects in/);
  });

  test('opens a WebSocket where messages are to be sent', async (context) => {
    const url = await serve(context, (_request, response) => void response.writeHead(426).end());
    await refuses({ target: url, protocol: 'websocket' }, /\/loadtest\/ws answers 426; correct the path/);
    const fixture = await startFixture();
    const sockets = new WebSocketServer({ server: fixture.server });
    context.after(async () => {
      sockets.close();
      await fixture.stop();
    });
    assert.match(await check({ target: fixture.url, protocol: 'websocket' }), /\/loadtest\/ws answers 101/);
  });
});

describe('the check of TLS', () => {
  test('tells the certificate, its days left, and ALPN', async (context) => {
    const made = makeCertificates(context);
    const port = await listen(context, createServer({ ...made.server }, answerWell));
    const text = await check({ target: `https://127.0.0.1:${port}/`, tls: { ca: made.ca } });
    assert.match(text, /certificate for .*127\.0\.0\.1.*, 1 days left; renew it soon/);
    assert.match(text, /ALPN: http\/1\.1/);
    assert.match(text, /answers 200/);
  });

  test('stops for a certificate that is not trusted, or no TLS at all', async (context) => {
    const made = makeCertificates(context);
    const port = await listen(context, createServer({ ...made.server }, answerWell));
    await refuses({ target: `https://127.0.0.1:${port}/` }, /not trusted here \(.*\); .*--ca FILE/);
    const plain = await serve(context, answerWell);
    await refuses({ target: plain.replace('http:', 'https:') }, /does not speak TLS there .*; correct the port/);
  });

  test('stops where a client certificate is asked for, and goes on with one', async (context) => {
    const made = makeCertificates(context);
    const server = createServer(
      { ...made.server, ca: made.ca, requestCert: true, rejectUnauthorized: true },
      answerWell,
    );
    const port = await listen(context, server);
    const options: Checks = { target: `https://127.0.0.1:${port}/`, tls: { ca: made.ca } };
    await refuses(options, /client certificate, give --cert FILE and --key FILE/);
    assert.match(await check({ ...options, tls: { ca: made.ca, ...made.visitor } }), /answers 200/);
  });

  test('stops for HTTP/2 that is not offered, and goes on where it is', async (context) => {
    const made = makeCertificates(context);
    const port = await listen(context, createServer({ ...made.server }, answerWell));
    const tls = { ca: made.ca };
    const options: Checks = { target: `https://127.0.0.1:${port}/`, tls, protocol: 'http2' };
    await refuses(options, /speaks no HTTP\/2 \(ALPN\); leave out --http2/);
    const http2 = await listen(
      context,
      createSecureServer({ ...made.server }, (_request, response) => void response.end()),
    );
    assert.match(await check({ ...options, target: `https://127.0.0.1:${http2}/` }), /ALPN: h2\n.*answers 200/);
  });

  test('refuses what no visitor would believe, and warns of what ends soon', () => {
    const certificate = { refusal: null, names: 'DNS:a', validToMs: NOW_MS + 30.5 * DAY_MS, alpn: null };
    assert.equal(judgeCertificate(certificate, 'https://a', NOW_MS), 'certificate for DNS:a, 30 days left');
    for (const [refusal, message] of [
      ['CERT_HAS_EXPIRED', /has expired .*; renew it/],
      ['ERR_TLS_CERT_ALTNAME_INVALID', /\(DNS:a\) is for other names .*; use one of its names/],
      ['CERT_NOT_YET_VALID', /is not valid yet .*; check both machines' clocks/],
    ] as const) {
      assert.throws(() => judgeCertificate({ ...certificate, refusal }, 'https://a', NOW_MS), { message });
    }
  });
});
