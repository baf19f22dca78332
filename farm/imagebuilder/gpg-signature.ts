/**
 * `sha256sums.asc`, OpenWrt's other signature, by the host's gpg: the way out where a mirror has no usign signature that
 * counts. Only keys of a file that the operator named are known to it, in a keyring that is made for one question and thrown
 * away: what is in the keyring of whoever runs the node has not been chosen for this.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

export type GpgVerdict =
  | { readonly state: 'good'; readonly fingerprint: string }
  /** By a key that we know, over other bytes. */
  | { readonly state: 'bad' }
  | { readonly state: 'unknown'; readonly reason: string };

const TIMEOUT_MS = 30_000;
const RENEW =
  'if whoever signs has renewed it, or signs by another one now, put that key into the file of --upstream-gpg-keys';

/** `keyFile`: OpenPGP public keys, armoured or not. */
export async function verifyByGpg(claim: {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyFile: string;
  readonly signal: AbortSignal;
}): Promise<GpgVerdict> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'asu-gpg-'));
  try {
    const [message, signature] = [path.join(home, 'message'), path.join(home, 'message.asc')];
    await writeFile(message, claim.message);
    await writeFile(signature, claim.signature);
    const imported = await gpg(home, ['--import', claim.keyFile], claim.signal);
    if (imported.code === 'ENOENT') return { state: 'unknown', reason: 'gpg is not installed' };
    if (!/^\[GNUPG:\] IMPORT_OK /m.test(imported.stdout))
      return { state: 'unknown', reason: 'there is no OpenPGP key in the file that was configured' };
    const { stdout, exitCode } = await gpg(home, ['--verify', signature, message], claim.signal);
    const verdict = verdictOf(stdout, exitCode);
    const expired = /^\[GNUPG:\] EXPKEYSIG ([0-9A-F]{16}) /m.exec(stdout)?.[1];
    if (verdict.state !== 'unknown' || expired === undefined) return verdict;
    const keys = await gpg(home, ['--with-colons', '--list-keys'], claim.signal);
    const on = dayOf(expiryOf(keys.stdout, expired));
    return { state: 'unknown', reason: `it is signed by OpenPGP key ${expired}, which expired${on}; ${RENEW}` };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/**
 * Fingerprints of the primary keys in a file that are neither expired nor revoked; none where it cannot be read, or there is
 * no gpg.
 */
export async function gpgFingerprints(keyFile: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'asu-gpg-'));
  try {
    // Not --show-keys, which gives up at an expired key where there is no trust database.
    await gpg(home, ['--import', keyFile], signal);
    const { stdout } = await gpg(home, ['--with-colons', '--list-keys'], signal);
    // doc/DETAILS: a `pub` line, with its validity, one `rvk` line for each who else may revoke it, and then its `fpr` line.
    const keys = stdout.matchAll(/^pub:([^:]*):.*\n(?:rvk:.*\n)*fpr:{9}([0-9A-F]{40}):/gm);
    return new Set(
      [...keys].flatMap(([, validity = '', print = '']) => (/[deinr]/.test(validity) ? [] : [print.toLowerCase()])),
    );
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/**
 * When a key, or the primary one above it, came to its end; null where neither says. Not what --verify tells in between,
 * which speaks of all keys of the same owner without naming them.
 */
function expiryOf(listing: string, keyId: string): number | null {
  let ofPrimary = '';
  for (const line of listing.split('\n')) {
    const [record = '', , , , id, , expiry = ''] = line.split(':');
    if (record === 'pub') ofPrimary = expiry;
    if ((record !== 'pub' && record !== 'sub') || id !== keyId) continue;
    const ends = [expiry, ofPrimary].map(Number).filter((seconds) => seconds > 0);
    return ends.length === 0 ? null : Math.min(...ends);
  }
  return null;
}

const dayOf = (seconds: number | null): string =>
  seconds === null ? '' : ` on ${new Date(seconds * 1000).toISOString().slice(0, 10)}`;

/** gpg's machine-readable words (doc/DETAILS): GOODSIG is said of no expired or revoked key. */
function verdictOf(status: string, exitCode: number | undefined): GpgVerdict {
  if (/^\[GNUPG:\] BADSIG /m.test(status)) return { state: 'bad' };
  const fingerprint = /^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$/m.exec(status)?.[1];
  if (exitCode === 0 && fingerprint !== undefined && /^\[GNUPG:\] GOODSIG /m.test(status))
    return { state: 'good', fingerprint: fingerprint.toLowerCase() };
  const missing = /^\[GNUPG:\] NO_PUBKEY ([0-9A-F]+)$/m.exec(status)?.[1];
  if (missing !== undefined) return { state: 'unknown', reason: `it is signed by OpenPGP key ${missing}` };
  const revoked = /^\[GNUPG:\] REVKEYSIG ([0-9A-F]{16}) /m.exec(status)?.[1];
  if (revoked !== undefined)
    return { state: 'unknown', reason: `it is signed by OpenPGP key ${revoked}, which was revoked` };
  return { state: 'unknown', reason: 'gpg finds no signature that counts in it' };
}

async function gpg(home: string, args: readonly string[], signal: AbortSignal) {
  const fixed = ['--homedir', home, '--batch', '--no-tty', '--no-options', '--no-autostart', '--status-fd', '1'];
  const trust = ['--trust-model', 'always', '--no-auto-key-retrieve'];
  const ended = await execa('gpg', [...fixed, ...trust, ...args], {
    reject: false,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    cancelSignal: signal,
    maxBuffer: 1 << 20,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    extendEnv: false,
  });
  signal.throwIfAborted();
  return { stdout: ended.stdout ?? '', exitCode: ended.exitCode, code: ended.code };
}
