import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { type Admin, type AdminOptions, startAdmin } from './admin.ts';
import { closeLogger, createLogger } from './logger.ts';
import { createReloads, type ReloadRefused, type ReloadResult } from './reloads.ts';
import { createTelemetry } from './telemetry.ts';
import { parseScrape } from './testing.ts';

type Asked = { applied: number; next: ReloadResult; gate: Promise<void> };

async function setUp(context: TestContext, more: Partial<AdminOptions> = {}) {
  const log = new PassThrough();
  const logger = createLogger({ level: 'info', part: 'server', destination: log });
  const telemetry = createTelemetry({ part: 'server', version: '1.2.3', logger });
  const asked: Asked = { applied: 0, next: { ok: true, changed: ['server.maxLinks'] }, gate: Promise.resolve() };
  const reloads = createReloads({
    read: async () => {
      const { next } = asked;
      await asked.gate;
      return next.ok ? { ok: true, changed: next.changed, next: null } : next;
    },
    prepare: async () => () => {
      asked.applied += 1;
    },
    logger,
    telemetry,
  });
  const admin = await startAdmin({
    part: 'server',
    host: '127.0.0.1',
    port: 0,
    telemetry,
    logger,
    reloads,
    ready: () => ({ ok: true, checks: {} }),
    openapi: { title: 'Sallyport server', version: '1.2.3' },
    ...more,
  });
  context.after(async () => {
    await admin.close();
    telemetry.close();
    await closeLogger(logger);
  });
  const logged = async (): Promise<Record<string, unknown>[]> => {
    await closeLogger(logger);
    log.end();
    const lines = (await text(log)).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { admin, logger, telemetry, reloads, asked, logged };
}

type Call = { method: string; path: string; body?: string; headers?: Record<string, string> };

async function call(admin: Admin, { method, path, body, headers = {} }: Call) {
  const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, {
    method,
    headers: { Connection: 'close', ...type, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const answer = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: answer,
    json: () => JSON.parse(answer) as Record<string, unknown>,
  };
}

const put = (body: string, headers: Record<string, string> = {}): Call => ({
  method: 'PUT',
  path: '/api/log-level',
  body,
  headers,
});

const reload: Call = { method: 'POST', path: '/api/reload', body: '{}' };

test('the level of the log is told and set, and the change is in the log', async (context) => {
  const { admin, logger, logged } = await setUp(context);
  assert.deepEqual((await call(admin, { method: 'GET', path: '/api/log-level' })).json(), { level: 'info' });
  assert.deepEqual((await call(admin, put('{"level":"debug"}'))).json(), { level: 'debug' });
  assert.equal(logger.level, 'debug');
  logger.debug({}, 'now it shows');
  const lines = await logged();
  assert.deepEqual(
    lines.map(({ msg, from, to }) => [msg, from, to]),
    [
      ['log level changed', 'info', 'debug'],
      ['now it shows', undefined, undefined],
    ],
  );
});

test('a body that is not what is asked for is a 400 that points at the field and says what is allowed', async (context) => {
  const { admin, logger } = await setUp(context);
  const levels = 'must be one of trace, debug, info, warn, error, silent';
  const cases: [string, { pointer: string; detail: string }[] | undefined][] = [
    ['{"level":"loud"}', [{ pointer: '/level', detail: levels }]],
    ['{}', [{ pointer: '/level', detail: 'is missing' }]],
    ['{"level":"debug","for/ever":1}', [{ pointer: '/for~1ever', detail: 'is not known here' }]],
    ['[]', [{ pointer: '', detail: 'must be object' }]],
    ['"debug"', [{ pointer: '', detail: 'must be object' }]],
    ['null', [{ pointer: '', detail: 'must be object' }]],
    ['{"level":5}', [{ pointer: '/level', detail: 'must be string' }]],
    ['{"level":', undefined],
    ['', undefined],
    ['{"__proto__":{"level":"debug"}}', undefined],
  ];
  for (const [body, errors] of cases) {
    const answer = await call(admin, put(body));
    const problem = answer.json();
    assert.equal(answer.headers.get('content-type'), 'application/problem+json', body);
    assert.deepEqual([answer.status, problem['code']], [400, 'SP_ADMIN_BAD_REQUEST'], body);
    assert.deepEqual(problem['errors'], errors, body);
    assert.equal(typeof problem['detail'], 'string');
  }
  assert.equal(logger.level, 'info');
});

test('a body in another form, none, or one too long is refused before it is read', async (context) => {
  const { admin, logger } = await setUp(context);
  const level = '{"level":"debug"}';
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json5']) {
    assert.equal((await call(admin, put(level, { 'Content-Type': type }))).status, 415, type);
  }
  for (const { method, path } of [put(''), reload]) assert.equal((await call(admin, { method, path })).status, 415);
  assert.equal((await call(admin, put(`{"level":"${'x'.repeat(70_000)}"}`))).status, 413);
  assert.equal(logger.level, 'info');
});

test('what cannot be done at a path is a 405 that says what can', async (context) => {
  const { admin } = await setUp(context);
  const cases = [
    ['DELETE', '/api/log-level', 'GET, HEAD, PUT'],
    ['GET', '/api/reload', 'POST'],
    ['POST', '/healthz?x=1', 'GET, HEAD'],
  ] as const;
  for (const [method, path, allow] of cases) {
    const answer = await call(admin, { method, path });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  }
});

test('who has no credential is told the same whatever was wrong with it, and nothing changes', async (context) => {
  const { admin, logger, asked } = await setUp(context, {
    host: '0.0.0.0',
    verify: (header) => header === 'Bearer a.good',
  });
  const shown = [undefined, 'Bearer a.wrong', 'Bearer nobody.good', 'Bearer', 'Basic YTpnb29k', 'Bearer a.good.more'];
  const answers = new Set<string>();
  for (const authorization of shown) {
    for (const each of [put('{"level":"debug"}'), put('{"level":'), reload]) {
      const answer = await call(admin, {
        ...each,
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });
      const { requestId } = answer.json() as { requestId: string };
      assert.equal(answer.status, 401);
      answers.add(answer.body.replace(requestId, 'ID') + String(answer.headers.get('www-authenticate')));
    }
  }
  assert.equal(answers.size, 1);
  assert.deepEqual([logger.level, asked.applied], ['info', 0]);
  const headers = { Authorization: 'Bearer a.good' };
  assert.equal((await call(admin, { ...reload, headers })).status, 200);
});

const head = (method: string, path: string, fields: readonly string[], length: number) =>
  `${[`${method} ${path} HTTP/1.1`, 'Connection: close', `Content-Length: ${length}`, ...fields].join('\r\n')}\r\n\r\n`;

test('a web page changes nothing on loopback: not from another origin, not by a form, not after a preflight', async (context) => {
  const { admin, logger, asked } = await setUp(context);
  const send = (bytes: string): Promise<string> => {
    const socket = connect(admin.port, '127.0.0.1');
    socket.end(bytes);
    return text(socket);
  };
  const body = '{"level":"debug"}';
  const own = `Host: 127.0.0.1:${admin.port}`;
  const json = 'Content-Type: application/json';
  const foreign = [
    [own, json, 'Origin: http://evil.example'],
    [own, json, 'Origin: null'],
    [`Host: rebound.example:${admin.port}`, json],
  ];
  for (const fields of foreign) {
    for (const [method, path] of [
      ['PUT', '/api/log-level'],
      ['POST', '/api/reload'],
    ] as const) {
      assert.match(await send(head(method, path, fields, body.length) + body), /^HTTP\/1\.1 403 /);
    }
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const fields = [own, `Content-Type: ${type}`];
    assert.match(await send(head('POST', '/api/reload', fields, body.length) + body), /^HTTP\/1\.1 415 /);
  }
  const preflight = [own, 'Origin: http://evil.example', 'Access-Control-Request-Method: PUT'];
  const answer = await send(head('OPTIONS', '/api/log-level', preflight, 0));
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.doesNotMatch(answer, /access-control-allow/i);
  assert.deepEqual([logger.level, asked.applied], ['info', 0]);
});

test('a reload is told by its answer, the log and the metrics', async (context) => {
  const { admin, telemetry, asked, logged } = await setUp(context);
  const metrics = async () => parseScrape(await telemetry.metricsText());
  assert.equal((await metrics()).get('sallyport_config_last_reload_successful{part="server"}'), 1);
  const done = await call(admin, reload);
  assert.deepEqual([done.status, done.json()], [200, { changed: ['server.maxLinks'] }]);
  asked.next = { ok: false, problems: ['server.port has another value'], restart: ['server.port'] };
  const refused = await call(admin, reload);
  const { status, code, problems, restart } = refused.json() as unknown as ReloadRefused & Record<string, unknown>;
  assert.deepEqual([status, code], [409, 'SP_RELOAD_REFUSED']);
  assert.deepEqual([problems, restart], [['server.port has another value'], ['server.port']]);
  assert.equal(asked.applied, 1);
  const now = await metrics();
  for (const outcome of ['applied', 'refused']) {
    assert.equal(now.get(`sallyport_config_reloads_total{part="server",outcome="${outcome}"}`), 1);
  }
  assert.equal(now.get('sallyport_config_last_reload_successful{part="server"}'), 0);
  assert.deepEqual(
    (await logged()).map(({ level, msg }) => [level, msg]),
    [
      ['info', 'configuration reloaded'],
      ['error', 'configuration not reloaded: what was in force stays'],
    ],
  );
});

test('reloads run one at a time, and all who ask during one share the next', async (context) => {
  const { reloads, asked } = await setUp(context);
  const { promise, resolve } = Promise.withResolvers<void>();
  asked.gate = promise;
  const first = reloads.run();
  await Promise.resolve();
  const [second, third] = [reloads.run(), reloads.run()];
  assert.equal(second, third);
  assert.notEqual(first, second);
  resolve();
  await Promise.all([first, second]);
  assert.equal(asked.applied, 2);
});

test('what a reload throws is its problem, and the next one runs', async (context) => {
  const { logger, telemetry } = await setUp(context);
  let isBroken = true;
  const other = createTelemetry({ part: 'client', version: '1', logger });
  context.after(() => other.close());
  const reloads = createReloads({
    read: async () => ({ ok: true, changed: [], next: null }),
    prepare: async () => {
      if (isBroken) throw Object.assign(new Error('a.crt is no certificate'), { fix: 'put it right' });
      return () => {};
    },
    logger,
    telemetry: other,
  });
  assert.deepEqual(await reloads.run(), {
    ok: false,
    problems: ['a.crt is no certificate; put it right'],
    restart: [],
  });
  isBroken = false;
  assert.deepEqual(await reloads.run(), { ok: true, changed: [] });
  assert.ok(telemetry);
});

test('without anything to load again there is no such route; what there is, is described', async (context) => {
  const { admin } = await setUp(context, { reloads: undefined });
  assert.equal((await call(admin, reload)).status, 404);
  const { admin: other } = await setUp(context);
  const { paths } = (await call(other, { method: 'GET', path: '/api/openapi.json' })).json() as {
    paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
  };
  assert.deepEqual(Object.keys(paths['/api/log-level'] ?? {}), ['get', 'put']);
  for (const operation of [paths['/api/log-level']?.['put'], paths['/api/reload']?.['post']]) {
    assert.ok(operation?.requestBody !== undefined);
    assert.deepEqual(Object.keys(operation.responses), ['200', 'default']);
  }
});
