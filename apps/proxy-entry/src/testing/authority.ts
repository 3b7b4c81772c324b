/** An authority of one's own, by openssl: certificates for hosts and for visitors, expired ones too, and revocations. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { have } from '../../../../packages/telemetry/src/testing.ts';

export interface Made {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  /** `DNS:a.test,IP:127.0.0.1`; none: not for a host. */
  readonly names?: string;
  /** From now; an hour if not told. Below zero: expired. */
  readonly secondsLeft?: number;
  /** From now until it is good; a day ago if not told. */
  readonly secondsUntilGood?: number;
}

const CONFIG = `
[ca]
default_ca = here
[here]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 2
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-batch'];
const DAY_S = 86_400;
const HOUR_S = 3_600;

/** Throws where it is absent and must not be. */
export function opensslIsThere(): boolean {
  const isThere = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
  if (!isThere && process.env['SALLYPORT_NO_SKIP'] === '1') throw new Error('openssl is needed and absent');
  return isThere;
}

/** Skips the test where there is no openssl. */
export function haveOpenssl(t: TestContext): boolean {
  return have(t, 'openssl', opensslIsThere());
}

export class TestAuthority {
  /** Its own, and everybody else's; removed by `remove`. */
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-authority-'));
  readonly caFile = join(this.folder, 'ca.pem');
  readonly crlFile = join(this.folder, 'crl.pem');

  constructor(name = 'Sallyport test authority') {
    for (const [file, text] of [
      ['ca.cnf', CONFIG],
      ['index.txt', ''],
      ['serial', '01\n'],
      ['crlnumber', '01\n'],
    ] as const) {
      writeFileSync(join(this.folder, file), text);
    }
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-config', 'ca.cnf', '-extensions', 'authority'];
    this.#openssl(['req', '-x509', ...EC, ...subject, '-keyout', 'ca.key', '-out', 'ca.pem']);
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8');
  }

  issue(name: string, { names, secondsLeft = HOUR_S, secondsUntilGood }: Wanted = {}): Made {
    const [request, extensions] = [`${name}.csr`, `${name}.ext`];
    const [certFile, keyFile] = [join(this.folder, `${name}.pem`), join(this.folder, `${name}.key`)];
    const subject = ['-subj', `/CN=${name}`, '-config', 'ca.cnf'];
    this.#openssl(['req', '-new', ...EC, ...subject, '-keyout', keyFile, '-out', request]);
    writeFileSync(join(this.folder, extensions), names === undefined ? '' : `subjectAltName = ${names}\n`);
    const ends = Date.now() + secondsLeft * 1_000;
    const starts =
      secondsUntilGood === undefined
        ? Math.min(ends, Date.now()) - DAY_S * 1_000
        : Date.now() + secondsUntilGood * 1_000;
    const dates = ['-startdate', asn1Time(starts), '-enddate', asn1Time(ends)];
    const files = ['-in', request, '-out', certFile, '-extfile', extensions, '-notext'];
    this.#openssl(['ca', '-batch', '-config', 'ca.cnf', ...dates, ...files]);
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }

  /** Writes the list with all that were revoked so far. */
  revoke(...made: readonly Made[]): string {
    for (const { certFile } of made) this.#openssl(['ca', '-config', 'ca.cnf', '-revoke', certFile]);
    this.#openssl(['ca', '-config', 'ca.cnf', '-gencrl', '-out', this.crlFile]);
    return this.crlFile;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

/** GeneralizedTime (RFC 5280 §4.1.2.5.2). */
function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
}

/** A new folder for pairs, below that of the authority. */
export function certificateFolder({ folder }: TestAuthority): string {
  const made = join(folder, `pairs-${Math.random().toString(36).slice(2)}`);
  mkdirSync(made);
  return made;
}

/** Puts a pair into a folder as one should: each file whole, the key first. */
export function putPair(folder: string, stem: string, { certFile, keyFile }: Made): void {
  for (const [from, ending] of [
    [keyFile, '.key'],
    [certFile, '.crt'],
  ] as const) {
    const draft = join(folder, `.${stem}${ending}`);
    copyFileSync(from, draft);
    renameSync(draft, join(folder, stem + ending));
  }
}
