import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';

/** What is wrong with these settings of entry.tls, as `path: message`. */
function wrongs(set: Readonly<Record<string, unknown>>, entry: Readonly<Record<string, unknown>> = {}): string[] {
  const overrides = [
    ...Object.entries(set).map(([name, value]) => ({ path: `entry.tls.${name}`, value })),
    ...Object.entries(entry).map(([name, value]) => ({ path: `entry.${name}`, value })),
  ];
  const loaded = loadConfig({ env: {}, overrides, cwd: '/etc/sallyport' });
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
}

const ON = { certificates: 'certs' };

test('TLS at the entry is off unless a folder of certificates is named, which counts from where it is named', () => {
  const loaded = loadConfig({ env: {}, overrides: [{ path: 'entry.tls.certificates', value: 'certs' }], cwd: '/etc' });
  assert.ok(loaded.ok);
  assert.equal(loaded.config.entry.tls.certificates, '/etc/certs');
  const bare = loadConfig({ env: {}, overrides: [], cwd: '/etc' });
  assert.ok(bare.ok);
  assert.equal(bare.config.entry.tls.certificates, undefined);
});

test('what of TLS means nothing without something else is refused', () => {
  assert.deepEqual(wrongs({ redirectPort: 443 }), ['entry.tls.redirectPort: needs entry.tls.certificates']);
  assert.deepEqual(wrongs({ hstsMaxAgeS: 1 }), ['entry.tls.hstsMaxAgeS: needs entry.tls.certificates']);
  assert.deepEqual(wrongs({ ...ON, clientCertificates: 'required' }), [
    'entry.tls.clientCertificates: needs entry.tls.clientCaFile',
  ]);
  assert.deepEqual(wrongs({ clientCertificates: 'optional', clientCaFile: 'ca.pem' }), [
    'entry.tls.clientCertificates: needs entry.tls.certificates',
  ]);
  assert.deepEqual(wrongs({ ...ON, clientCertificateHosts: ['a.test'] }, { hosts: { 'a.test': 'demo' } }), [
    'entry.tls.clientCertificateHosts: asks for certificates that no visitor is asked for',
  ]);
  assert.deepEqual(wrongs({ ...ON, redirectPort: 443, hstsMaxAgeS: 600 }), []);
});

test('a host that wants a certificate leads to a session', () => {
  const asking = { ...ON, clientCertificates: 'optional', clientCaFile: 'ca.pem' };
  const entry = { hosts: { 'a.test': 'demo' }, domain: 'apps.test' };
  assert.deepEqual(wrongs({ ...asking, clientCertificateHosts: ['a.test', 'two.apps.test'] }, entry), []);
  for (const host of ['b.test', 'apps.test', 'a.two.apps.test', 'two.apps.test.org', 'constructor']) {
    const found = wrongs({ ...asking, clientCertificateHosts: ['a.test', host] }, entry);
    assert.deepEqual(found, [`entry.tls.clientCertificateHosts: ${host} leads to no session`]);
  }
  assert.equal(wrongs({ ...asking, clientCertificateHosts: ['two.apps.test'] }).length, 1, 'without a domain');
});

test('a name of a certificate is the name of a file, not a path', () => {
  assert.deepEqual(wrongs({ ...ON, defaultCertificate: 'example.org' }), []);
  assert.equal(wrongs({ ...ON, defaultCertificate: '../other' }).length, 1);
});
