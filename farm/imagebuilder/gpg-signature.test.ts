/** What is said of a signature by a key that counted once: which key, since when, and what helps. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyByGpg } from './gpg-signature.ts';

let home: string;
const message = new TextEncoder().encode('what was published in 2020\n');

beforeAll(async () => {
  // Short: the agent's socket lies in there.
  home = await mkdtemp('/tmp/asu-gnupg-');
  await writeFile(path.join(home, 'message'), message);
});
afterAll(async () => {
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
  await rm(home, { recursive: true, force: true });
});

const gpg = (...args: string[]) =>
  execFileSync('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
const at2020 = (second: number, ...args: string[]) => gpg('--faked-system-time', `20200101T00000${second}!`, ...args);

const listed = (name: string) => String(gpg('--with-colons', '--list-keys', name));
const printOf = (name: string) => /^fpr:+([0-9A-F]{40}):/m.exec(listed(name))?.[1] ?? '';
const signedIn2020 = (name: string) =>
  at2020(2, '--local-user', name, '--output', '-', '--detach-sign', path.join(home, 'message'));

/** With the keys of those names as they are now. */
async function verdictOn(names: readonly string[], signature: Uint8Array) {
  const keyFile = path.join(home, 'keys.asc');
  await writeFile(keyFile, gpg('--armor', '--export', ...names));
  return verifyByGpg({ message, signature, keyFile, signal: new AbortController().signal });
}

test('a key that has expired is named, with its last day and with what helps', async () => {
  const name = 'old@example.org';
  at2020(0, '--quick-generate-key', name, 'ed25519', 'sign', '2020-02-01');
  expect(await verdictOn([name], signedIn2020(name))).toEqual({
    state: 'unknown',
    reason:
      `it is signed by OpenPGP key ${printOf(name).slice(-16)}, which expired on 2020-02-01; if whoever signs has ` +
      'renewed it, or signs by another one now, put that key into the file of --upstream-gpg-keys',
  });
});

test('a key that was renewed counts again', async () => {
  const name = 'renewed@example.org';
  at2020(0, '--quick-generate-key', name, 'ed25519', 'sign', '2020-02-01');
  const signature = signedIn2020(name);
  expect(await verdictOn([name], signature)).toMatchObject({ state: 'unknown' });
  gpg('--quick-set-expire', printOf(name), '0');
  expect(await verdictOn([name], signature)).toEqual({ state: 'good', fingerprint: printOf(name).toLowerCase() });
});

test.each([
  ['its own day', 'never', '2020-02-01', '2020-02-01'],
  ['its own day, where that of its primary key is later', '2020-03-01', '2020-02-01', '2020-02-01'],
  ['the day of its primary key, where its own is later', '2020-03-01', '2020-04-01', '2020-03-01'],
  ['the day of its primary key, where it has none', '2020-03-01', 'never', '2020-03-01'],
])('a subkey expires on %s', async (day, ofPrimary, ofSubkey, told) => {
  const name = `${day.replaceAll(/\W+/g, '-')}@example.org`;
  at2020(0, '--quick-generate-key', name, 'ed25519', 'cert', ofPrimary);
  // gpg tells of the end of both, and signs by the newest.
  at2020(0, '--quick-add-key', printOf(name), 'ed25519', 'sign', '2020-01-15');
  at2020(1, '--quick-add-key', printOf(name), 'ed25519', 'sign', ofSubkey);
  const subkeys = [...listed(name).matchAll(/^sub:(?:[^:]*:){3}([0-9A-F]{16}):/gm)];
  expect(await verdictOn([name], signedIn2020(name))).toMatchObject({
    state: 'unknown',
    reason: expect.stringContaining(`it is signed by OpenPGP key ${subkeys[1]?.[1]}, which expired on ${told};`),
  });
});

test('who signs beside a key that has expired counts', async () => {
  const [old, other] = ['beside@example.org', 'beside-it@example.org'];
  at2020(0, '--quick-generate-key', old, 'ed25519', 'sign', '2020-02-01');
  at2020(0, '--quick-generate-key', other, 'ed25519', 'sign', 'never');
  const both = Buffer.concat([signedIn2020(old), signedIn2020(other)]);
  expect(await verdictOn([old, other], both)).toMatchObject({ state: 'good' });
});

test('a key that was revoked is named', async () => {
  const name = 'rash@example.org';
  at2020(0, '--quick-generate-key', name, 'ed25519', 'sign', 'never');
  const signature = signedIn2020(name);
  expect(await verdictOn([name], signature)).toMatchObject({ state: 'good' });
  const certificate = path.join(home, 'openpgp-revocs.d', `${printOf(name)}.rev`);
  await writeFile(certificate, (await readFile(certificate, 'utf8')).replace(':-----BEGIN', '-----BEGIN'));
  gpg('--import', certificate);
  expect(await verdictOn([name], signature)).toEqual({
    state: 'unknown',
    reason: `it is signed by OpenPGP key ${printOf(name).slice(-16)}, which was revoked`,
  });
});

test('other bytes by a key that has expired are other bytes', async () => {
  const name = 'twice-wrong@example.org';
  at2020(0, '--quick-generate-key', name, 'ed25519', 'sign', '2020-02-01');
  const signature = signedIn2020(name);
  const keyFile = path.join(home, `${name}.asc`);
  await writeFile(keyFile, gpg('--export', name));
  const { signal } = new AbortController();
  expect(await verifyByGpg({ message: message.slice(1), signature, keyFile, signal })).toEqual({ state: 'bad' });
});
