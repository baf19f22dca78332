/**
 * The directory that an ImageBuilder left, read by somebody who does not trust it. Packages' scripts could write there too:
 * a link to the node's key, a pipe that never ends, a device whose mere opening does something, a file of a terabyte without
 * a byte in it. So nothing is listed, only named files are opened, and nothing is read beyond a limit.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { quoted } from '../../shared/text/printable.ts';
import type { OutputFile } from '../agent/build-event.ts';

/** @throws BuildError `internal` for a name that cannot be one of a file here */
export function outputPath(directory: string, name: string): string {
  if (!OUTPUT_FILE.test(name)) throw disagreement(`${quoted(name, 200)} cannot be the name of a file that is served`);
  return path.join(directory, name);
}

/**
 * Null for whatever is no regular file of one name: a link, a directory, a pipe, a socket, a device; or not there.
 * @param access what it is opened for; a file that may be written may also be cut
 */
export async function openOutput(
  directory: string,
  name: string,
  access: 'read' | 'write',
): Promise<{ readonly file: FileHandle; readonly sizeBytes: number } | null> {
  const filePath = outputPath(directory, name);
  // Looked at before it is opened: to open a device may do something. O_NOFOLLOW and the second look are for what changed since.
  if (!isOneFile(await lstat(filePath).catch(nothingThere))) return null;
  const flags = access === 'read' ? constants.O_RDONLY : constants.O_RDWR;
  const file = await open(filePath, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(nothingThere);
  if (file === null) return null;
  const entry = await file.stat();
  if (isOneFile(entry)) return { file, sizeBytes: entry.size };
  await file.close();
  return null;
}

interface Entry {
  isFile(): boolean;
  readonly nlink: number;
}

/** With a second name the bytes could change after they were judged, or be somebody else's file. */
const isOneFile = (entry: Entry | null): boolean => entry?.isFile() === true && entry.nlink === 1;

/** ENOENT: none; ELOOP: a link; ENXIO: a pipe or a socket; EISDIR, ENOTDIR: directories; EACCES: of a mode that lets nobody in. */
const NOTHING: readonly unknown[] = ['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR', 'ENOTDIR', 'EACCES'];

function nothingThere(error: unknown): null {
  if (error instanceof Error && 'code' in error && NOTHING.includes(error.code)) return null;
  throw error;
}

/**
 * A text of the ImageBuilder's; null where there is none.
 * @throws BuildError `internal` when it is longer than `maxBytes`
 */
export async function readOutput(directory: string, name: string, maxBytes: number): Promise<string | null> {
  const opened = await openOutput(directory, name, 'read');
  if (opened === null) return null;
  const { file, sizeBytes } = opened;
  try {
    if (sizeBytes > maxBytes)
      throw disagreement(`expected ${name} to have at most ${maxBytes} bytes, got ${sizeBytes}`);
    // As many as were there when it was measured, whatever is appended now.
    const buffer = Buffer.alloc(sizeBytes);
    let filled = 0;
    for (let read = -1; filled < sizeBytes && read !== 0; filled += read)
      ({ bytesRead: read } = await file.read(buffer, filled, sizeBytes - filled, filled));
    return buffer.toString('utf8', 0, filled);
  } finally {
    await file.close();
  }
}

/** Of the first bytes of a file. */
export async function digestOf(file: FileHandle, lengthBytes: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  if (lengthBytes > 0)
    for await (const chunk of file.createReadStream({ start: 0, end: lengthBytes - 1, autoClose: false })) {
      signal?.throwIfAborted();
      hash.update(chunk);
    }
  return hash.digest('hex');
}

export async function writeOutput(directory: string, name: string, text: string): Promise<OutputFile> {
  const filePath = outputPath(directory, name);
  // Removed first: a build could have left a link there, and we would write to what it points at; or a directory.
  await rm(filePath, { force: true, recursive: true });
  await writeFile(filePath, text, { flag: 'wx' });
  return { name, path: filePath, sizeBytes: utf8ToBytes(text).length, sha256: sha256Hex(text) };
}

/** Never the user's doing: the ImageBuilder, or whatever ran in it, contradicts itself. */
export const disagreement = (what: string): BuildError =>
  new BuildError(
    'internal',
    `Error: The ImageBuilder's files do not fit together: ${what}. This is not a fault of your request`,
  );
