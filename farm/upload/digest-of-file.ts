/** The sha256 of a file, or of a part of it, in constant memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** `end`: the first byte that is not read any more. 64 hex digits. */
export async function digestOfFile(path: string, start = 0, end = Number.POSITIVE_INFINITY): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start, end: end - 1 })) hash.update(chunk);
  return hash.digest('hex');
}
