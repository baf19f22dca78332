/**
 * Keys for foreign repositories, as the files that opkg and apk look for in the tree's `keys/`. Whoever can put a key there
 * owns the result, so a key is parsed and written anew: of what was sent, only the key itself reaches the disk.
 */
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';
import { parseUsignPublicKey } from '../../shared/crypto/usign.ts';

export interface KeyFile {
  readonly name: string;
  readonly content: string;
}

const PEM = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]{1,1024})\n-----END PUBLIC KEY-----$/;

/** Whoever makes a usign key chooses its id, and the id is the file's name. */
const USIGN_NAME = /^[0-9a-f]{16}$/;
const MAX_KEY_BYTES = 4096;

/** @throws BuildError `bad_request` for a text that is neither a usign nor a PEM public key, and for two keys of one id */
export function keyFiles(keys: readonly string[]): KeyFile[] {
  const files = keys.map((key, index) => {
    const text = key.trim();
    // apk tries every *.pem; the names only have to differ.
    if (PEM.test(text)) return { name: `repository-${index}.pem`, content: `${text}\n` };
    try {
      const { keyId } = parseUsignPublicKey(text);
      const base64 = text.split('\n').at(-1) ?? '';
      return { name: keyId, content: `untrusted comment: ${keyId}\n${base64.trim()}\n` };
    } catch (cause) {
      throw new BuildError('bad_request', `Repository key ${index + 1} is neither a usign nor a PEM public key`, {
        cause,
      });
    }
  });
  const byName = new Map<string, string>();
  for (const { name, content } of files) {
    if ((byName.get(name) ?? content) !== content) throw taken(name);
    byName.set(name, content);
  }
  return files;
}

/**
 * A key in the place of the ImageBuilder's own would make every signature of upstream's a wrong one, which is told as the
 * mirror's fault and tried again elsewhere.
 * @param directory `keys/` of the tree
 * @throws BuildError `bad_request`
 */
export async function mustNotReplace(directory: string, keys: readonly KeyFile[]): Promise<void> {
  for (const { name, content } of keys) {
    if (!USIGN_NAME.test(name)) continue;
    const there = await textAt(path.join(directory, name));
    if (there !== null && !isSameKey(there, content)) throw taken(name);
  }
}

/** Null where nothing is; empty for what is no file of a key's size. */
async function textAt(file: string): Promise<string | null> {
  const entry = await lstat(file).catch(() => null);
  if (entry === null) return null;
  return entry.isFile() && entry.size <= MAX_KEY_BYTES ? await readFile(file, 'utf8') : '';
}

function isSameKey(one: string, other: string): boolean {
  try {
    const [a, b] = [parseUsignPublicKey(one).publicKey, parseUsignPublicKey(other).publicKey];
    return a.every((byte, at) => byte === b[at]);
  } catch {
    return false;
  }
}

const taken = (keyId: string): BuildError =>
  new BuildError('bad_request', `Repository key not allowed: ${keyId} is the id of another key`);
