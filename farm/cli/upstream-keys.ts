/**
 * The key files of `--upstream-keys`, read once at the start: a key that cannot be used would else be noticed only when a
 * build fails, and be told as a fault of the mirror. Those of other flags that take usign keys are read in the same way.
 */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { parseUsignPublicKey } from '../../shared/crypto/usign.ts';
import { UsageError } from './flags.ts';

/** Many keys fit in there; a disk image given by mistake does not. */
const MAX_FILE_BYTES = 64 * 1024;
const MAX_KEYS = 100;

/**
 * usign public keys without their comment lines, each once, in the order given. A file holds one or several.
 * @throws UsageError naming the file and what was expected in it
 */
export async function readUpstreamKeys(files: readonly string[], flag = '--upstream-keys'): Promise<readonly string[]> {
  const texts = await Promise.all(files.map(async (file) => keysIn(flag, file, await textOf(flag, file))));
  const keys = [...new Set(texts.flat())];
  if (keys.length > MAX_KEYS) throw new UsageError(`${flag}: expected at most ${MAX_KEYS} keys, got ${keys.length}`);
  return keys;
}

/** @throws UsageError where it is no file, or not for us */
export async function mustBeReadable(flag: string, file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
    if (!(await stat(file)).isFile()) throw new UsageError(`${flag}: expected a file, got ${file}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function textOf(flag: string, file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES)
      throw new UsageError(`${flag}: expected at most ${MAX_FILE_BYTES} bytes in ${file}, got ${size}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function keysIn(flag: string, file: string, text: string): readonly string[] {
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('untrusted comment:') && !line.startsWith('#'));
  if (keys.length === 0) throw new UsageError(`${flag}: expected usign public keys in ${file}, got none`);
  for (const key of keys)
    try {
      parseUsignPublicKey(key);
    } catch (error) {
      throw new UsageError(`${flag}: ${file}: ${(error as Error).message}`);
    }
  return keys;
}
