/** Rows 12, 13 and 15–17 over HTTP/1.1: what a request is for, and that nobody reads it otherwise. */
import assert from 'node:assert/strict';
import { valuesOf } from '../harness/wire.ts';
import { ask } from './far-end.ts';
import { assertRefused, LOGGED } from './refused.ts';
import type { Refused } from './refused.ts';
import { conformance } from './rows.ts';
import type { RowBench } from './rows.ts';

const DOMAIN = 'sessions.example';
/** By its name it reaches the session `demo` at `/`. */
const BY_NAME = `demo.${DOMAIN}`;
const OK = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';
const BAD_HOST: Refused = { status: 400, code: 'SP_BAD_HOST' };
const BAD_TARGET: Refused = { status: 400, code: 'SP_BAD_TARGET' };
const NOT_ALLOWED: Refused = { status: 405, code: 'SP_METHOD_NOT_ALLOWED', keeps: true };

conformance('targets', [...LOGGED, `entry.domain=${DOMAIN}`], (row) => {
  row(12, 'A Host that is missing, repeated, empty or malformed is refused', (bench) =>
    assertRefused(
      bench,
      [
        '',
        'Host: a\r\nHost: a\r\n',
        'Host: a\r\nhOST: b\r\n',
        'Host:\r\n',
        'Host: \t\r\n',
        'Host: a b\r\n',
        'Host: a, b\r\n',
        'Host: user@a\r\n',
        'Host: a/b\r\n',
        'Host: a:b\r\n',
        'Host: a:80:80\r\n',
        'Host: [::1\r\n',
        'Host: %zz\r\n',
        'Host: a%4\r\n',
        'Host: http://a\r\n',
      ].map((lines) => [`GET /session/demo/x HTTP/1.1\r\n${lines}\r\n`, BAD_HOST]),
    ),
  );

  row(12, 'HTTP/1.0 may come without a Host, and not with two', async (bench) => {
    const { far, head } = await answered(bench, 'GET /session/demo/x HTTP/1.0\r\n\r\n');
    assert.equal(head.first, 'GET /x HTTP/1.1');
    far.close();
    await assertRefused(bench, [['GET /session/demo/x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', BAD_HOST]]);
  });

  row(
    13,
    'The authority of an absolute-form target is the Host, and what stands in Host is used for nothing',
    async (bench) => {
      for (const [target, host, path] of [
        [`http://${BY_NAME}/a?b`, BY_NAME, '/a?b'],
        [`HTTP://Demo.${DOMAIN}:8080/a`, `Demo.${DOMAIN}:8080`, '/a'],
        [`https://${BY_NAME}?q`, BY_NAME, '/?q'],
        ['http://elsewhere.example/session/demo/a', 'elsewhere.example', '/a'],
      ] as const) {
        const { far, head } = await answered(bench, `GET ${target} HTTP/1.1\r\nHost: other.${DOMAIN}\r\n\r\n`);
        assert.equal(head.first, `GET ${path} HTTP/1.1`, target);
        assert.deepEqual(valuesOf(head.fields, 'host'), [host]);
        assert.deepEqual(valuesOf(head.fields, 'x-forwarded-host'), [host]);
        assert.doesNotMatch(head.fields.join('\n'), /other\./);
        far.close();
      }
    },
  );

  row(
    13,
    'An absolute-form target with user information, without an authority or beside a bad Host is refused',
    (bench) =>
      assertRefused(bench, [
        [`GET http://user@${BY_NAME}/ HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, BAD_HOST],
        [`GET http://a:b@${BY_NAME}/ HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, BAD_HOST],
        [`GET http:///session/demo/ HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, BAD_TARGET],
        [`GET ftp://${BY_NAME}/ HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, BAD_TARGET],
        [`GET http://${BY_NAME}/ HTTP/1.1\r\nHost: a b\r\n\r\n`, BAD_HOST],
        [`GET http://${BY_NAME}/ HTTP/1.1\r\n\r\n`, BAD_HOST],
      ]),
  );

  row(12, 'A dot at the end of the host changes nothing: it is the same host, written out in full', async (bench) => {
    for (const [target, host] of [
      ['/a', `${BY_NAME}.`],
      ['/a', `DEMO.${DOMAIN}.:8080`],
      [`http://${BY_NAME}.:80/a`, `${BY_NAME}.:80`],
    ] as const) {
      const { far, head } = await answered(bench, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.equal(head.first, 'GET /a HTTP/1.1');
      assert.deepEqual(valuesOf(head.fields, 'host'), [host]);
      far.close();
    }
    await assertRefused(bench, [['GET /session/demo/ HTTP/1.1\r\nHost: .\r\n\r\n', BAD_HOST]]);
  });

  row(15, 'An asterisk is passed on of OPTIONS, and refused of any other method', async (bench) => {
    for (const target of ['*', `http://${BY_NAME}`]) {
      const { far, head } = await answered(bench, `OPTIONS ${target} HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`);
      assert.equal(head.first, 'OPTIONS * HTTP/1.1');
      far.close();
    }
    await assertRefused(
      bench,
      ['GET *', 'POST *', 'options *', 'OPTIONS **', 'OPTIONS *?a'].map((line) => [
        `${line} HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`,
        BAD_TARGET,
      ]),
    );
  });

  row(
    15,
    'Max-Forwards of OPTIONS is counted down, and at zero the entry answers with Allow and sends nothing on',
    async (bench) => {
      for (const [lines, left] of [
        ['Max-Forwards: 1\r\n', ['0']],
        ['Max-Forwards: 70\r\nConnection: Max-Forwards\r\n', ['69']],
        ['max-forwards: 9\r\nMax-Forwards: 3\r\n', ['2']],
        ['Max-Forwards: x\r\n', ['x']],
      ] as const) {
        const { far, head } = await answered(bench, options(lines));
        assert.deepEqual(valuesOf(head.fields, 'max-forwards'), left, lines);
        far.close();
      }
      const { far, head } = await answered(bench, options('Max-Forwards: 0\r\n', 'GET'));
      assert.deepEqual(valuesOf(head.fields, 'max-forwards'), ['0']);
      far.close();
      const visitor = await bench.visit();
      visitor.send(options('Max-Forwards: 0\r\n') + options('Max-Forwards: 00\r\n'));
      for (let i = 0; i < 2; i += 1) {
        const { first, fields } = await visitor.readHead();
        assert.equal(first, 'HTTP/1.1 200 OK');
        assert.match(valuesOf(fields, 'allow').join(), /GET, HEAD, POST/);
        assert.deepEqual(valuesOf(fields, 'content-length'), ['0']);
      }
    },
  );

  row(15, 'CONNECT and TRACE are answered 405', (bench) =>
    assertRefused(bench, [
      ['CONNECT visited.example:443 HTTP/1.1\r\nHost: visited.example:443\r\n\r\n', { ...NOT_ALLOWED, keeps: false }],
      [`CONNECT / HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, { ...NOT_ALLOWED, keeps: false }],
      [`TRACE / HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, NOT_ALLOWED],
      ['TRACE /session/demo/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n', NOT_ALLOWED],
    ]),
  );

  row(15, 'A target in no form that HTTP has is refused', (bench) =>
    assertRefused(
      bench,
      ['session/demo/', 'visited.example:443', 'mailto:a@b', './session/demo/', '?a', '\\session\\demo\\'].map(
        (target) => [`GET ${target} HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`, BAD_TARGET],
      ),
    ),
  );

  row(16, 'The target reaches the backend byte for byte: %2F, //, .., ;, ? and all the rest', async (bench) => {
    for (const target of [
      '/',
      '//',
      '//a//b',
      '/a/../b/./..',
      '/%2F%2f%5C%00%0d%0a%41',
      '/a;b=c;d/e?f;g&h=/?i??',
      '/?',
      '/%C3%BC?q=%20+&r=a/b?c%',
      '/it\'s(1)!$&,:@=[]|^`{}"<>~*',
      '/session/demo/x',
    ]) {
      for (const line of [`GET /session/demo${target}`, `GET http://a/session/demo${target}`]) {
        const { far, head } = await answered(bench, `${line} HTTP/1.1\r\nHost: visited.example\r\n\r\n`);
        assert.equal(head.first, `GET ${target} HTTP/1.1`);
        far.close();
      }
      const { far, head } = await answered(bench, `GET ${target} HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`);
      assert.equal(head.first, `GET ${target} HTTP/1.1`);
      far.close();
    }
  });

  row(16, 'A target with a fragment or a backslash is refused', (bench) =>
    assertRefused(
      bench,
      ['/#', '/a#b', '/a?b#c', '#', '/a\\b', '/\\', '/a?b\\c', `http://${BY_NAME}/#a`, `http://${BY_NAME}\\a/`].map(
        (target) => [
          `GET ${target} HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`,
          target.includes(`${BY_NAME}\\`) ? BAD_HOST : BAD_TARGET,
        ],
      ),
    ),
  );

  row(17, 'Any method that is a token is passed on as it is written', async (bench) => {
    for (const method of ['GET', 'get', 'PATCH', 'QUERY', 'PROPFIND', 'm-search', 'X', "!#$%&'*+-.^_`|~", 'TRACER']) {
      const { far, head } = await answered(bench, `${method} / HTTP/1.1\r\nHost: ${BY_NAME}\r\n\r\n`);
      assert.equal(head.first, `${method} / HTTP/1.1`);
      far.close();
    }
  });
});

/** The request reaches the backend, which answers it. */
function options(lines: string, method = 'OPTIONS'): string {
  return `${method} / HTTP/1.1\r\nHost: ${BY_NAME}\r\n${lines}\r\n`;
}

async function answered(bench: RowBench, request: string): Promise<Awaited<ReturnType<typeof ask>>> {
  const asked = await ask(bench, request);
  asked.far.send(OK);
  assert.match((await asked.visitor.readHead()).first, /^HTTP\/1\.1 204 /);
  return asked;
}
