/** An entry with two servers, of which one alone knows the session. */
import { it } from 'node:test';
import { eventually } from './harness/deadline.ts';
import { assertProblem } from './harness/problem.ts';
import { visit } from './harness/visit.ts';
import { startBackend, startClient, startEntry, startSecureServer } from './links/secure-server.ts';

const NO_CLIENT = { status: 503, code: 'SP_NO_CLIENT', hop: 'link', error: 'destination_unavailable' };
const NO_SESSION = { status: 404, code: 'SP_NO_SESSION', hop: 'entry', error: 'destination_not_found' };

it('a session whose client is gone gets 503, also from the server that never had it; one that nobody knew gets 404', async (t) => {
  const first = await startSecureServer(t, { isPlain: true });
  const second = await startSecureServer(t, { isPlain: true, credentials: first.credentials });
  const [firstUrl, secondUrl] = [`ws://127.0.0.1:${first.port}`, `ws://127.0.0.1:${second.port}`];
  // Where nobody holds a session the first is asked.
  const entry = startEntry(t, first, { url: [firstUrl, secondUrl] });
  // A credential that names a session makes it known wherever it is.
  const client = startClient(t, first, await startBackend(t), { url: secondUrl, sessions: ['d*'] });
  const { url } = await entry.event<{ url: string }>('ready');
  await client.event('ready');
  const ask = () => visit(`${url}/session/demo/`);
  await eventually(async () => ((await ask()).status === 200 ? true : undefined), 'an answer');
  client.signal('SIGKILL');
  await client.ended;
  await second.running.stop();
  const isUnavailable = async () => ((await ask()).status === 503 ? true : undefined);
  await eventually(isUnavailable, '503 for a session without a client');
  assertProblem(await ask(), NO_CLIENT);
  assertProblem(await visit(`${url}/session/never/`), NO_SESSION);
});
