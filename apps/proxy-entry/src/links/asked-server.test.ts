import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkAddress, LinkTls } from '@sallyport/protocol';
import { opensslIsThere, TestAuthority } from '../testing/authority.ts';
import { AskedServer, inOrder } from './asked-server.ts';

function addressOf(url: string, tls: () => LinkTls = () => ({})): LinkAddress {
  return { url, isPrivate: true, tls, proxy: null };
}

function urlsOf(servers: readonly AskedServer[]): string[] {
  return servers.map(({ address }) => address.url);
}

const URLS = ['wss://a', 'wss://b', 'wss://c'];
const serversOf = (urls: readonly string[], nowMs = () => 0) =>
  urls.map((url) => new AskedServer(addressOf(url), nowMs));

describe('the order in which servers are asked', () => {
  it('is the same for one credential, whatever its secret, and however an entry lists its servers', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', '']) {
      const order = urlsOf(inOrder(serversOf(URLS), `Bearer ${id}.one`));
      assert.deepEqual(order.toSorted(), URLS);
      assert.deepEqual(urlsOf(inOrder(serversOf(URLS.toReversed()), `Bearer ${id}.two`)), order, id);
    }
  });

  it('stays as it is where a server comes or goes', () => {
    for (let i = 0; i < 50; i += 1) {
      const three = urlsOf(inOrder(serversOf(URLS), `Bearer ${i}.x`));
      const two = urlsOf(inOrder(serversOf(URLS.slice(1)), `Bearer ${i}.x`));
      assert.deepEqual(
        two,
        three.filter((url) => url !== URLS[0]),
      );
    }
  });

  it('spreads credentials over the servers', () => {
    const firsts = Array.from({ length: 300 }, (_, i) => urlsOf(inOrder(serversOf(URLS), `Bearer ${i}.x`))[0]);
    for (const url of URLS) assert.ok(firsts.filter((first) => first === url).length > 60, url);
  });

  it('has one that was silent behind all others, until it answers or half a minute is over', () => {
    let nowMs = 1_000;
    const servers = serversOf(URLS, () => nowMs);
    const order = () => urlsOf(inOrder(servers, 'Bearer a.b'));
    const usual = order();
    const first = servers.find(({ address }) => address.url === usual[0])!;
    first.silent();
    assert.deepEqual(order(), [usual[1], usual[2], usual[0]]);
    first.answered();
    assert.deepEqual(order(), usual);
    first.silent();
    nowMs += 29_999;
    assert.notDeepEqual(order(), usual);
    nowMs += 1;
    assert.deepEqual(order(), usual);
  });
});

describe('who is believed to be a server', () => {
  it('is read once in a second, and made anew only where it changed', { skip: !opensslIsThere() }, (context) => {
    const [one, other] = [new TestAuthority(), new TestAuthority()];
    context.after(() => [one, other].map((authority) => authority.remove()));
    let nowMs = 0;
    let reads = 0;
    let ca = one.ca;
    const tls = () => {
      reads += 1;
      return { ca };
    };
    const server = new AskedServer(addressOf('wss://a', tls), () => nowMs);
    const first = server.trust();
    for (let i = 0; i < 100; i += 1) assert.equal(server.trust(), first);
    assert.equal(reads, 1);
    nowMs = 1_000;
    assert.equal(server.trust(), first, 'nothing changed');
    assert.equal(reads, 2);
    ca = other.ca;
    assert.equal(server.trust(), first);
    nowMs = 2_000;
    assert.notEqual(server.trust(), first);
  });

  it('stays where a file cannot be read for a moment; where none ever could nobody is', () => {
    let nowMs = 0;
    let isThere = false;
    const tls = () => {
      if (!isThere) throw new Error('ENOENT');
      return {};
    };
    const server = new AskedServer(addressOf('wss://a', tls), () => nowMs);
    assert.throws(() => server.trust(), /ENOENT/);
    isThere = true;
    const believed = server.trust();
    isThere = false;
    nowMs = 5_000;
    assert.equal(server.trust(), believed);
  });
});
