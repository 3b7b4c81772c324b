import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Answer, get, OPTIONS } from '../testing/answer.ts';
import { haveOpenssl, listenTls } from '../testing/tls-backend.ts';
import { hostOf, tlsName } from './tls-name.ts';
import { Http1Backend } from './http1-backend.ts';
import type { BackendOptions } from './transport.ts';

/** Nothing here waits; this is for what never comes. */
const CEILING_MS = 60_000;

async function ask(t: TestContext, isUpgrade: boolean, changes: Partial<BackendOptions> = {}): Promise<Answer> {
  const { port, ca } = await listenTls(t);
  const options = { ...OPTIONS, ca, url: `https://127.0.0.1:${port}`, ...changes };
  const backend = new Http1Backend(options);
  t.after(() => backend.close());
  const answer = new Answer(backend, get('/', ...(isUpgrade ? ['Upgrade', 'chat'] : [])));
  await answer.over;
  return answer;
}

for (const isUpgrade of [false, true]) {
  describe(`a backend behind TLS, asked ${isUpgrade ? 'for an upgrade' : 'as usual'}`, { timeout: CEILING_MS }, () => {
    it('may be named by its address, which is checked and not asked for', async (t) => {
      if (!haveOpenssl(t)) return;
      assert.equal((await ask(t, isUpgrade)).body, 'asked for false');
    });

    it('may be asked for another name, which is then the one that is checked', async (t) => {
      if (!haveOpenssl(t)) return;
      assert.equal((await ask(t, isUpgrade, { serverName: 'named.test' })).body, 'asked for named.test');
    });

    it('whose certificate does not fit has refused, and nothing was started', async (t) => {
      if (!haveOpenssl(t)) return;
      // The visitor's Host is not looked at.
      for (const changes of [{ serverName: 'visited.example' }, { ca: undefined }]) {
        assert.deepEqual((await ask(t, isUpgrade, changes)).told, ['failed backend-refused not-started']);
      }
    });

    it('that would speak HTTP/2 is spoken to in HTTP/1.1, and all its fields pass', async (t) => {
      if (!haveOpenssl(t)) return;
      const { fields } = await ask(t, isUpgrade);
      assert.deepEqual(fields.slice(0, 6), ['X-Version', '1.1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    });
  });
}

describe('a second connection to a backend behind TLS', { timeout: CEILING_MS }, () => {
  it('takes up the session of the one before', async (t) => {
    if (!haveOpenssl(t)) return;
    const { port, ca, resumed } = await listenTls(t);
    const backend = new Http1Backend({ ...OPTIONS, ca, url: `https://127.0.0.1:${port}` });
    t.after(() => backend.close());
    for (let i = 0; i < 3; i += 1) await new Answer(backend, get()).over;
    assert.deepEqual(resumed, [false, true, true]);
  });
});

describe('the name of a backend', () => {
  it('is the host of its URL, or the one that was configured', () => {
    assert.equal(tlsName({ url: 'https://backend.example:8443', serverName: undefined }), 'backend.example');
    assert.equal(tlsName({ url: 'https://10.0.0.1', serverName: 'backend.example' }), 'backend.example');
  });

  it('is none for an address', () => {
    for (const url of ['https://10.0.0.1:8443', 'https://[2001:db8::1]']) {
      assert.equal(tlsName({ url, serverName: undefined }), '', url);
    }
  });

  it('has no brackets round an address', () => {
    assert.equal(hostOf('https://[2001:db8::1]:8443'), '2001:db8::1');
  });
});
