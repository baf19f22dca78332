/** A file that a flag names, as text: small, readable and UTF-8, or told in a sentence that shows nothing of what is in it. */
import { open } from 'node:fs/promises';
import { UsageError } from './flags.ts';

/** @throws UsageError naming flag and file */
export async function readGivenFile(flag: string, file: string, maxBytes: number): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await atMost(file, maxBytes + 1);
  } catch (error) {
    throw new UsageError(`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (bytes.length > maxBytes) throw new UsageError(`${flag}: expected at most ${maxBytes} bytes in ${file}, got more`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`${flag}: expected text in UTF-8 in ${file}, got something else`);
  }
}

/** Not by its size: a pipe has none. */
async function atMost(file: string, maxBytes: number): Promise<Buffer> {
  await using handle = await open(file, 'r');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 64 * 1024 })) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks);
}
