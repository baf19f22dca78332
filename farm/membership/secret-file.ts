/**
 * A secret of 32 bytes in a file of its own: made on first use, readable by nobody else. Two processes that start at once
 * get the same one, and a process that dies in the middle leaves none: the file appears whole, by a link, or not at all.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** 64 hex digits. @throws Error where the file is there and holds something else; `hint` says what removing it means */
export async function loadSecret(file: string, hint: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const text = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return create(file);
    throw error;
  });
  if (!/^[0-9a-f]{64}$/.test(text.trim()))
    throw new Error(`${file}: expected 64 hex digits; remove the file to ${hint}`);
  return text.trim();
}

async function create(file: string): Promise<string> {
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600, flush: true });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return readFile(file, 'utf8');
}
