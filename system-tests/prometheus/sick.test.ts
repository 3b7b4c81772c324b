/** What metrics say of clients and backends that fail, and of visitors that leave. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../harness/deadline.ts';
import { Deployment } from '../harness/deployment.ts';
import { scrape } from '../harness/metrics.ts';
import { startRawBackend } from '../harness/raw-backend.ts';
import { startStack } from '../harness/stack.ts';
import { visit } from '../harness/visit.ts';
import { dial } from '../harness/wire.ts';

/** A canary is late after 2 s; a link is dead after twice a heartbeat, 10 s. */
const LIMIT_MS = 60_000;

async function shows(admin: string, series: string, value: number): Promise<void> {
  const isSo = async () => ((await scrape(admin)).get(series) === value ? true : undefined);
  await eventually(isSo, `${series} to be ${value}`, LIMIT_MS);
}

it('a client that stands still is late, then gone; its session is unserved until it dials again', async (t) => {
  const tunnel = await Deployment.start({ clients: 1, concurrency: 2 });
  t.after(() => tunnel.stop());
  const { server, entry } = tunnel.admin;
  const client = tunnel.clients[0]!;
  await shows(server, 'sallyport_links_by_state{part="server",kind="client",state="ready"}', 1);
  await shows(server, 'sallyport_sessions{part="server",state="served"}', 1);
  await shows(entry, 'sallyport_links_by_state{part="entry",kind="uplink",state="ready"}', 1);

  client.command.signal('SIGSTOP');
  await shows(server, 'sallyport_links_by_state{part="server",kind="client",state="late"}', 1);
  assert.equal((await scrape(server)).get('sallyport_canary_late_total{part="server"}'), 1);
  await shows(server, 'sallyport_sessions{part="server",state="unserved"}', 1);
  assert.equal((await visit(`${tunnel.url}loadtest/get`)).status, 503);
  await shows(entry, 'sallyport_refused_total{part="entry",code="SP_NO_CLIENT"}', 1);
  await shows(entry, 'sallyport_slo_good_total{part="entry",slo="availability"}', 0);
  await shows(entry, 'sallyport_slo_events_total{part="entry",slo="availability"}', 1);

  client.command.signal('SIGCONT');
  await shows(server, 'sallyport_sessions{part="server",state="served"}', 1);
  await shows(server, 'sallyport_links_accepted_total{part="server",kind="client"}', 2);
  await shows(client.admin, 'sallyport_sessions{part="client",state="connected"}', 1);
  assert.equal((await visit(`${tunnel.url}loadtest/get`)).status, 200);
  await shows(entry, 'sallyport_slo_good_total{part="entry",slo="availability"}', 1);
});

it('an answer that the backend cuts is a failure, one that the visitor leaves is none, and a refused request no event', async (t) => {
  const backend = await startRawBackend();
  t.after(() => backend.close());
  const stack = await startStack({ backend: backend.url });
  t.after(() => stack.command.stop());
  const { entry } = stack.admin;
  const count = async (events: number, good: number) => {
    await shows(entry, 'sallyport_slo_events_total{part="entry",slo="availability"}', events);
    await shows(entry, 'sallyport_slo_good_total{part="entry",slo="availability"}', good);
  };
  /** To the middle of its answer. */
  const halfWay = async () => {
    const visitor = await dial(stack.entry);
    visitor.send(`GET ${new URL(stack.url).pathname}half HTTP/1.1\r\nHost: a\r\n\r\n`);
    const wire = await backend.accept();
    await wire.readHead();
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await visitor.readThrough('half');
    return { visitor, wire };
  };

  const cut = await halfWay();
  cut.wire.reset();
  await cut.visitor.ended;
  await count(1, 0);

  const left = await halfWay();
  left.visitor.reset();
  await left.wire.ended;
  await count(2, 1);

  const malformed = await visit(stack.url, { fields: { Host: 'a b' } });
  assert.equal(malformed.status, 400);
  const notThere = await visit(`${stack.entry}/session/nobody/`);
  assert.equal(notThere.status, 404);
  await count(2, 1);
});
