import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { covers, isNameless, namesOf } from './names.ts';

describe('the names of a certificate', () => {
  const names = namesOf(
    'DNS:Example.org, DNS:*.apps.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
  );

  it('cover a host that is among them, whatever its case in the certificate', () => {
    assert.equal(covers(names, 'example.org'), true);
    assert.equal(covers(names, 'example.org.'), true);
    assert.equal(covers(names, 'www.example.org'), false);
    assert.equal(covers(names, 'org'), false);
    assert.equal(covers(names, ''), false);
  });

  it('cover with a wildcard one label, all of it, and no less', () => {
    assert.equal(covers(names, 'a.apps.example.org'), true);
    assert.equal(covers(names, 'apps.example.org'), false);
    assert.equal(covers(names, 'a.b.apps.example.org'), false);
    assert.equal(covers(namesOf('DNS:*'), 'org'), false);
    assert.equal(covers(namesOf('DNS:a*.example.org'), 'ab.example.org'), false);
  });

  it('cover an address that is among them as an address', () => {
    assert.equal(covers(names, '192.0.2.1'), true);
    assert.equal(covers(names, '[2001:db8::1]'), true);
    assert.equal(covers(names, '192.0.2.2'), false);
    assert.equal(covers(namesOf('DNS:192.0.2.1'), '192.0.2.1'), false);
  });

  it('leave out what is no plain name', () => {
    assert.ok(isNameless(namesOf('')));
    assert.ok(isNameless(namesOf('email:a@example.org, URI:https://example.org')));
    // Node quotes what could be mistaken for more names than it is.
    assert.ok(isNameless(namesOf('DNS:"evil.org\\u002c DNS:example.org"')));
    assert.ok(isNameless(namesOf('URI:"http://a, DNS:example.org"')));
  });
});
