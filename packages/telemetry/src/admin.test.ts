import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Admin, type AdminOptions, startAdmin } from './admin.ts';
import { AdminError } from './admin-error.ts';
import { closeLogger, createLogger } from './logger.ts';
import { createTelemetry } from './telemetry.ts';
import { haveProgram, parseScrape } from './testing.ts';

const CREDENTIAL = 'Bearer id.secret';
const verify = (header: string | undefined): boolean => header === CREDENTIAL;

async function setUp(context: TestContext, more: Partial<AdminOptions> = {}) {
  const log = new PassThrough();
  const logger = createLogger({ level: 'info', part: 'server', destination: log });
  const telemetry = createTelemetry({ part: 'server', version: '1.2.3', logger });
  context.after(async () => {
    telemetry.close();
    await closeLogger(logger);
  });
  const admin = await startAdmin({
    part: 'server',
    host: '127.0.0.1',
    port: 0,
    telemetry,
    logger,
    ready: () => ({ ok: true, checks: {} }),
    openapi: { title: 'Sallyport server', version: '1.2.3' },
    ...more,
  });
  context.after(() => admin.close());
  const logged = async (): Promise<string> => {
    await closeLogger(logger);
    log.end();
    return text(log);
  };
  return { admin, telemetry, logged };
}

async function get(admin: Admin, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, init);
  const body = await response.text();
  const type = response.headers.get('content-type') ?? '';
  return {
    status: response.status,
    headers: response.headers,
    type,
    body,
    json: () => JSON.parse(body) as Record<string, unknown>,
  };
}

/** Sends bytes as they are and answers with all that comes back until the end. */
async function raw(admin: Admin, bytes: string): Promise<string> {
  const socket = connect(admin.port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

/** Its end, by a reset as well. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('error', () => undefined).once('close', () => resolve()));
}

async function connected(admin: Admin): Promise<Socket> {
  const socket = connect(admin.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('the process says that it is alive, and whether it is ready', async (context) => {
  let ok = true;
  const ready = () => ({ ok, checks: { link: { ok, ...(ok ? {} : { detail: 'no server reached' }) } } });
  const { admin } = await setUp(context, { ready });
  const alive = await get(admin, '/healthz');
  assert.deepEqual([alive.status, alive.body], [200, '{"status":"ok"}']);
  const can = await get(admin, '/readyz');
  assert.deepEqual([can.status, can.json()], [200, { status: 'ready', checks: { link: { ok: true } } }]);
  ok = false;
  const cannot = await get(admin, '/readyz');
  const checks = { link: { ok: false, detail: 'no server reached' } };
  assert.deepEqual([cannot.status, cannot.json()], [503, { status: 'not ready', checks }]);
  assert.equal((await get(admin, '/healthz')).status, 200);
});

test('metrics come in the text format of Prometheus and pass promtool', async (context) => {
  const { admin, telemetry } = await setUp(context);
  telemetry.countRequest(200, 0.1);
  const { type, body } = await get(admin, '/metrics');
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  assert.equal(parseScrape(body).get('sallyport_requests_total{part="server",code="200"}'), 1);
  if (!haveProgram(context, 'promtool')) return;
  assert.equal(spawnSync('promtool', ['check', 'metrics'], { input: body }).status, 0);
});

test("a part's own routes are under /api and described there", async (context) => {
  const session = { type: 'object', properties: { id: { type: 'string' } } };
  const { admin } = await setUp(context, {
    routes: (app) => {
      const params = { type: 'object', properties: { id: { type: 'string', maxLength: 63 } } };
      const schema = { summary: 'One session.', params, response: { 200: session } };
      app.get<{ Params: { id: string } }>('/sessions/:id', { schema }, ({ params }) => ({ id: params.id, hidden: 1 }));
      app.post(
        '/drain',
        { schema: { body: { type: 'object', required: ['ms'], properties: { ms: { type: 'integer' } } } } },
        () => ({}),
      );
    },
  });
  assert.deepEqual((await get(admin, '/api/sessions/demo')).json(), { id: 'demo' });
  const document = (await get(admin, '/api/openapi.json')).json();
  assert.equal(document['openapi'], '3.1.0');
  assert.deepEqual(document['info'], { title: 'Sallyport server', version: '1.2.3' });
  const paths = document['paths'] as Record<string, Record<string, Record<string, unknown>>>;
  assert.deepEqual(Object.keys(paths), [
    '/healthz',
    '/readyz',
    '/metrics',
    '/api/log-level',
    '/api/sessions/{id}',
    '/api/drain',
    '/api/openapi.json',
  ]);
  const one = paths['/api/sessions/{id}']!['get']!;
  assert.equal(one['summary'], 'One session.');
  assert.deepEqual(one['parameters'], [
    { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 63 } },
  ]);
  assert.deepEqual((one['responses'] as Record<string, unknown>)['200'], {
    description: 'OK',
    content: { 'application/json': { schema: session } },
  });
  assert.ok(paths['/api/drain']!['post']!['requestBody']);
});

test('errors are problem+json with stable codes, and a fault of ours keeps its text to the log', async (context) => {
  const { admin, logged } = await setUp(context, {
    routes: (app) => {
      app.get('/fault', () => {
        throw new Error('the database password is hunter2');
      });
      app.get('/coded', () => {
        throw Object.assign(new Error('draining'), { statusCode: 503, code: 'SP_DRAINING' });
      });
      app.get(
        '/checked',
        { schema: { querystring: { type: 'object', required: ['n'] }, response: { '4xx': { type: 'object' } } } },
        () => ({}),
      );
    },
  });
  const cases = [
    ['/nothing', 404, 'SP_ADMIN_NOT_FOUND', false],
    ['/api/nothing', 404, 'SP_ADMIN_NOT_FOUND', false],
    ['/api/fault', 500, 'SP_ADMIN_FAILED', false],
    ['/api/coded', 503, 'SP_DRAINING', true],
    ['/api/checked', 400, 'SP_ADMIN_BAD_REQUEST', false],
    ['/%zz', 400, 'SP_ADMIN_BAD_REQUEST', false],
  ] as const;
  for (const [path, status, code, retryable] of cases) {
    const answer = await get(admin, path);
    const problem = answer.json();
    assert.equal(answer.type, 'application/problem+json', path);
    assert.deepEqual(
      [answer.status, problem['status'], problem['code'], problem['retryable']],
      [status, status, code, retryable],
    );
    assert.match(String(problem['requestId']), /^[0-9a-f-]{36}$/);
    assert.ok(!answer.body.includes('hunter2'));
  }
  const lines = await logged();
  assert.match(lines, /admin request failed.*/);
  assert.match(lines, /the database/);
});

test('bytes that are no request get a problem and the end of the connection', async (context) => {
  const { admin } = await setUp(context);
  const answer = await raw(admin, 'NONSENSE\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /Content-Type: application\/problem\+json/);
});

test('a scraper that does not take its answer is cut off and counted', { timeout: 60_000 }, async (context) => {
  const { admin, telemetry } = await setUp(context, {
    stallTimeoutMs: 200,
    routes: (app) => {
      app.get('/much', () => 'x'.repeat(32 * 1024 * 1024));
    },
  });
  const hits = 'sallyport_limit_hits_total{part="server",limit="admin_stall"}';
  const isCounted = async () => (parseScrape(await telemetry.metricsText()).get(hits) ?? 0) > 0;
  // On a busy machine a connection may be late by as much before it has asked: then by another.
  while (!(await isCounted())) {
    const socket = await connected(admin);
    const ended = closed(socket.pause());
    socket.write(`GET /api/much HTTP/1.1\r\nHost: 127.0.0.1:${admin.port}\r\n\r\n`);
    for (let i = 0; i < 100 && !(await isCounted()); i += 1) await setTimeout(20);
    socket.resume();
    await ended;
  }
  const isServing = () =>
    get(admin, '/healthz').then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await isServing()));
});

test('an address off loopback is refused without a way to check credentials, with how to fix it', async (context) => {
  for (const host of ['0.0.0.0', '::', '']) {
    await assert.rejects(setUp(context, { host }), (error: unknown) => {
      assert.ok(error instanceof AdminError);
      assert.equal(error.code, 'SP_ADMIN_NEEDS_CREDENTIAL');
      assert.match(error.message, /^server admin address /);
      assert.match(error.fix, /127\.0\.0\.1.*creds add/);
      return true;
    });
  }
});

test('off loopback all but health needs the credential, however the path is written', async (context) => {
  const { admin } = await setUp(context, {
    host: '0.0.0.0',
    verify,
    routes: (app) => {
      app.get('/sessions', () => []);
    },
  });
  for (const path of ['/healthz', '/readyz']) assert.equal((await get(admin, path)).status, 200);
  for (const path of [
    '/metrics',
    '/api/sessions',
    '/%61pi/sessions',
    '/api/openapi.json',
    '/api/nothing',
    '/nothing',
  ]) {
    for (const authorization of [undefined, 'Bearer wrong', 'Basic aWQ6c2VjcmV0']) {
      const answer = await get(admin, path, authorization ? { headers: { authorization } } : {});
      assert.equal(answer.status, 401, path);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      assert.equal(answer.type, 'application/problem+json');
      assert.equal(answer.json()['code'], 'SP_ADMIN_UNAUTHORIZED');
    }
  }
  const headers = { authorization: CREDENTIAL };
  for (const path of ['/metrics', '/api/sessions', '/%61pi/sessions']) {
    assert.equal((await get(admin, path, { headers })).status, 200, path);
  }
  const document = (await get(admin, '/api/openapi.json', { headers })).json();
  const paths = document['paths'] as Record<string, { get: { security?: unknown } }>;
  assert.deepEqual(paths['/metrics']!.get.security, [{ bearer: [] }]);
  assert.equal(paths['/healthz']!.get.security, undefined);
});

test('a verify that throws refuses, and says nothing of why', async (context) => {
  const { admin } = await setUp(context, {
    host: '0.0.0.0',
    verify: () => {
      throw new Error('store is broken');
    },
  });
  const answer = await get(admin, '/metrics', { headers: { authorization: CREDENTIAL } });
  assert.equal(answer.status, 500);
  assert.ok(!answer.body.includes('store'));
});

test('on loopback a web page gets nothing but health: neither under another name nor from another origin', async (context) => {
  const { admin } = await setUp(context);
  const request = (path: string, headers: string): Promise<string> =>
    raw(admin, `GET ${path} HTTP/1.1\r\nConnection: close\r\n${headers}\r\n`);
  for (const headers of [
    'Host: evil.example\r\n',
    `Host: localhost:${admin.port}\r\nOrigin: http://evil.example\r\n`,
  ]) {
    assert.match(await request('/metrics', headers), /^HTTP\/1\.1 403 [^]*SP_ADMIN_FOREIGN_PAGE/);
    assert.match(await request('/healthz', headers), /^HTTP\/1\.1 200 /);
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const own = `Host: ${host}:${admin.port}\r\nOrigin: http://${host}:${admin.port}\r\n`;
    assert.match(await request('/metrics', own), /^HTTP\/1\.1 200 /);
  }
});

test('an address in use is told by name', async (context) => {
  const { admin } = await setUp(context);
  await assert.rejects(setUp(context, { port: admin.port }), (error: unknown) => {
    assert.ok(error instanceof AdminError);
    assert.equal(error.code, 'SP_ADMIN_ADDRESS_IN_USE');
    assert.equal(error.message, `server admin address 127.0.0.1:${admin.port} is in use`);
    return true;
  });
});

test('an address that this machine does not have is told by name', async (context) => {
  await assert.rejects(setUp(context, { host: '192.0.2.1', verify }), { code: 'SP_ADMIN_ADDRESS_UNAVAILABLE' });
});

test('a routes function that fails opens no port', async (context) => {
  const failing: Partial<AdminOptions> = {
    routes: () => {
      throw new Error('mine');
    },
  };
  await assert.rejects(setUp(context, failing), /mine/);
});

test('localhost and ::1 can be listened at', async (context) => {
  const { admin } = await setUp(context, { host: 'localhost' });
  assert.equal(admin.url, `http://localhost:${admin.port}`);
  assert.equal((await fetch(`${admin.url}/healthz`)).status, 200);
  const six = await setUp(context, { host: '::1' });
  assert.equal(six.admin.url, `http://[::1]:${six.admin.port}`);
  assert.equal((await fetch(`${six.admin.url}/healthz`)).status, 200);
});

test('closing ends connections that are kept alive, that wait, and that stopped in the middle', async (context) => {
  const { admin } = await setUp(context);
  const [silent, half, kept] = await Promise.all([connected(admin), connected(admin), connected(admin)]);
  half.write('GET /metrics HTTP/1.1\r\nHost: local');
  kept.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(kept, 'data');
  const ended = [silent, half, kept].map((socket) => closed(socket.resume()));
  await admin.close();
  await Promise.all(ended);
  await assert.rejects(connected(admin), { code: 'ECONNREFUSED' });
});

test('closing ends a connection kept alive before an answer under way, and lets that arrive', async (context) => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { admin } = await setUp(context, {
    routes: (app) => {
      app.get('/slow', async () => {
        started.resolve();
        await release.promise;
        return { done: true };
      });
    },
  });
  const kept = await connected(admin);
  kept.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(kept, 'data');
  const answer = get(admin, '/api/slow');
  await started.promise;
  // However long a busy machine takes: what is under way has a second.
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const closing = admin.close();
  await closed(kept.resume());
  release.resolve();
  assert.deepEqual((await answer).json(), { done: true });
  context.mock.timers.tick(1_000);
  await closing;
});

test('a request whose body never comes is answered with 408 and hung up on', async (context) => {
  const { admin } = await setUp(context);
  const socket = connect(admin.port, '127.0.0.1');
  context.after(() => socket.destroy());
  const began = performance.now();
  const head = [
    'PUT /api/log-level HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    'Content-Length: 9',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{`);
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.match(answer, /"status":408/);
  assert.ok(performance.now() - began < 25_000, 'long before the half minute that Node takes by itself');
});
