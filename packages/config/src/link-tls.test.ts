import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';

/** What is wrong with these settings, as `path: message`. */
function wrongs(set: Readonly<Record<string, unknown>>): string[] {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value }));
  const loaded = loadConfig({ env: {}, overrides, cwd: '/etc/sallyport' });
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
}

test('a certificate of links goes with its key, and authorities of those who dial with a certificate', () => {
  const pair = { certificateFile: 'a.crt', keyFile: 'a.key' };
  for (const path of ['link', 'server.tls']) {
    const set = Object.fromEntries(Object.entries(pair).map(([name, value]) => [`${path}.${name}`, value]));
    assert.deepEqual(wrongs(set), []);
    assert.deepEqual(wrongs({ [`${path}.certificateFile`]: 'a.crt' }), [
      `${path}.certificateFile: needs ${path}.keyFile`,
    ]);
    assert.deepEqual(wrongs({ [`${path}.keyFile`]: 'a.key' }), [`${path}.keyFile: needs ${path}.certificateFile`]);
  }
  const alone = { 'server.tls.clientCaFile': 'ca.pem' };
  assert.deepEqual(wrongs(alone), ['server.tls.clientCaFile: needs server.tls.certificateFile']);
});

test('their files count from where they are named', () => {
  const overrides = [
    { path: 'server.tls.certificateFile', value: 'a.crt' },
    { path: 'server.tls.keyFile', value: 'a.key' },
  ];
  const loaded = loadConfig({ env: {}, overrides, cwd: '/etc' });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.server.tls, { certificateFile: '/etc/a.crt', keyFile: '/etc/a.key' });
});

test('certificates are had by ACME only with a folder, the terms agreed to, and a way to show that a name is ours', () => {
  const on = { 'entry.tls.certificates': 'certs', 'entry.tls.acme.termsAgreed': true };
  const acme = (set: Readonly<Record<string, unknown>>) =>
    wrongs({
      ...on,
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`entry.tls.acme.${name}`, value])),
    });
  const at = 'entry.tls.acme.names';
  assert.deepEqual(acme({ names: ['app.test'] }), []);
  assert.deepEqual(acme({ names: ['app.test', '*.app.test'], challenge: 'dns-01', dnsHook: 'hook' }), []);
  assert.deepEqual(acme({ names: ['app.test'], termsAgreed: false }), [`${at}: needs entry.tls.acme.termsAgreed`]);
  assert.deepEqual(acme({ names: ['app.test'], challenge: 'dns-01' }), [`${at}: needs entry.tls.acme.dnsHook`]);
  assert.deepEqual(acme({ names: ['*.app.test'] }), [`${at}: needs entry.tls.acme.challenge`]);
  const without = { 'entry.tls.acme.termsAgreed': true, 'entry.tls.acme.names': ['app.test'] };
  assert.deepEqual(wrongs(without), [`${at}: needs entry.tls.certificates`]);
  for (const name of ['App.test', 'localhost', '*', 'a.*.test', '../key', 'a_b.test', '']) {
    assert.equal(acme({ names: [name], challenge: 'dns-01', dnsHook: 'hook' }).length, 1, name);
  }
  for (const directoryUrl of ['http://a.test/dir', 'https://me:hunter2@a.test/dir', 'a.test']) {
    assert.equal(acme({ directoryUrl }).length, 1, directoryUrl);
  }
});

test('the path of links goes with certificates, ends as diallers end it, and is none of a session', () => {
  const on = { 'entry.tls.certificates': 'certs' };
  for (const linkPath of ['/link', '/edge/link', '/a/b-c/link', '/sessions/link']) {
    assert.deepEqual(wrongs({ ...on, 'entry.tls.linkPath': linkPath }), [], linkPath);
  }
  for (const linkPath of ['link', '/edge', '/edge/link/', '//link', '/session/a/link', '/a%2Fb/link', '/a?/link', '']) {
    assert.equal(wrongs({ ...on, 'entry.tls.linkPath': linkPath }).length, 1, linkPath);
  }
  assert.deepEqual(wrongs({ 'entry.tls.linkPath': '/link' }), ['entry.tls.linkPath: needs entry.tls.certificates']);
});
