/** The sha256 of a file, or of a part of it, in constant memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

interface Options {
  /** The first byte that is read, and the first that is not read any more. Absent: all. */
  readonly part?: readonly [start: number, end: number];
  readonly signal?: AbortSignal | undefined;
}

/** 64 hex digits. */
export async function sha256OfFile(path: string, { part, signal }: Options = {}): Promise<string> {
  const hash = createHash('sha256');
  const range = part && { start: part[0], end: part[1] - 1 };
  for await (const chunk of createReadStream(path, { ...range, ...(signal && { signal }) })) hash.update(chunk);
  return hash.digest('hex');
}
