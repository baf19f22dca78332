/**
 * What is known of an unpacked ImageBuilder, in a file beside its tree: where it came from and whose signature vouched for
 * it. The file's own time is the last use, so that nothing need be rewritten for that. A tree without a record is whole, but
 * nobody knows by whose word, and is vouched for anew before it is used.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { UNSIGNED } from '../../shared/upstream/upstream-signature.ts';

export interface ImageBuilderRecord {
  readonly url: string;
  readonly version: string | null;
  readonly target: string | null;
  /** Id of a usign key, `gpg:<fingerprint>`, or `unsigned`. */
  readonly signedBy: string;
  readonly fetchedAtMs: number;
  /** On disk, measured once. */
  readonly bytes: number;
}

const SIGNER = /^(?:[0-9a-f]{16}|gpg:[0-9a-f]{40})$/;

export async function writeRecord(file: string, record: ImageBuilderRecord): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/** Null where there is none, or something else. */
export async function readRecord(file: string): Promise<ImageBuilderRecord | null> {
  try {
    const { url, version, target, signedBy, fetchedAtMs, bytes } = JSON.parse(await readFile(file, 'utf8'));
    const isText = (value: unknown): value is string => typeof value === 'string';
    const isWhole =
      isText(url) &&
      (version === null || isText(version)) &&
      (target === null || isText(target)) &&
      isText(signedBy) &&
      (signedBy === UNSIGNED || SIGNER.test(signedBy)) &&
      Number.isSafeInteger(fetchedAtMs) &&
      Number.isSafeInteger(bytes);
    return isWhole ? { url, version, target, signedBy, fetchedAtMs, bytes } : null;
  } catch {
    return null;
  }
}
