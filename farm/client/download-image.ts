/**
 * Fetches one file of a build. It appears under its name only when it is whole and right; until then its bytes lie beside it,
 * under a name that its digest is part of, and whoever is interrupted goes on with them. Two downloads of one file at once write
 * the same bytes to the same places, so neither spoils the other's.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open as openFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { tellBytes } from '../../shared/text/byte-size.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { freeBytes } from '../disk/free-space.ts';
import { sha256OfFile } from '../sha256-of-file.ts';
import {
  CONNECT_TIMEOUT_MS,
  IMAGE_COMES,
  MAX_ERROR_BYTES,
  open,
  readText,
  refusalOf,
  whatItIs,
  within,
} from './ask.ts';
import type { BuiltImage } from './build-answer.ts';
import { BadAnswer, LocalFault, NotNow } from './faults.ts';
import type { Patience } from './patience.ts';

export interface ImageDownload {
  readonly serverUrl: string;
  readonly binDir: string;
  /** Its name is one segment of a path, checked where the answer was read. */
  readonly image: BuiltImage;
  readonly directory: string;
  readonly patience: Patience;
  readonly onProgress: (bytesDone: number) => void;
  readonly signal: AbortSignal;
}

export interface Downloaded {
  readonly path: string;
  /** False: it was there already, and right. */
  readonly isNew: boolean;
}

/** At one file, where others take its part away. */
const ATTEMPTS = 3;

/** @throws RequestRefused, NotNow, BadAnswer, LocalFault (faults.ts); the signal's reason */
export async function downloadImage(download: ImageDownload): Promise<Downloaded> {
  const { image, directory } = download;
  const file = path.join(directory, image.name);
  const part = `${file}.${image.sha256.slice(0, 12)}.part`;
  return await onThisDisk(download, part, async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await fetchUnlessThere(download, file, part);
      } catch (error) {
        // Somebody else who fetches it was faster, and has named it or found it wrong.
        if (attempt === ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  });
}

async function fetchUnlessThere(download: ImageDownload, file: string, part: string): Promise<Downloaded> {
  const { image, directory, signal } = download;
  await mkdir(directory, { recursive: true });
  if ((await sha256IfThere(file, image.size, signal)) === image.sha256) return { path: file, isNew: false };
  // Killed between the last byte and the name.
  if ((await sha256IfThere(part, image.size, signal)) !== image.sha256) await fetchWhole(download, part);
  await rename(part, file);
  return { path: file, isNew: true };
}

async function fetchWhole(download: ImageDownload, part: string): Promise<void> {
  const { image, patience, signal } = download;
  const resumed = await patience.persist(() => fetchRest(download, part), signal);
  let got = await sha256OfFile(part, { signal });
  if (got !== image.sha256 && resumed) {
    // What lay there was not what it looked like; the whole deserves a chance before anybody is blamed.
    await rm(part);
    await patience.persist(() => fetchRest(download, part), signal);
    got = await sha256OfFile(part, { signal });
  }
  if (got === image.sha256) return;
  await rm(part);
  throw new BadAnswer(`${image.name}: expected sha256 ${image.sha256}, got ${got}; nothing of it was kept`);
}

/** True where it went on with what was there. */
async function fetchRest(download: ImageDownload, part: string): Promise<boolean> {
  const { serverUrl, binDir, image, directory, onProgress, signal } = download;
  await using file = await openPart(part);
  const before = (await file.stat()).size;
  const have = before > image.size ? 0 : before;
  if (have === image.size) return true;
  await mustFit(directory, image, have);
  let done = have;
  let begun = have;
  try {
    await within(signal, async (watchdog) => {
      watchdog.expect('an answer', CONNECT_TIMEOUT_MS);
      const headers = {
        // A compressed transfer has other offsets than the file.
        'accept-encoding': 'identity',
        ...(have > 0 && { range: `bytes=${have}-`, 'if-range': `"${image.sha256}"` }),
      };
      const url = `${serverUrl}/store/${binDir}/${encodeURIComponent(image.name)}`;
      const response = await open(url, { headers }, watchdog.signal);
      begun = await startOf(response, image, have);
      done = begun;
      onProgress(done);
      watchdog.expect('more bytes', IMAGE_COMES.idleMs);
      watchdog.expectPace(IMAGE_COMES.pace.bytes, IMAGE_COMES.pace.ms, () => done);
      for await (const chunk of response.body ?? []) {
        if (done + chunk.length > image.size)
          throw new BadAnswer(`${image.name}: expected ${image.size} bytes, got more; the server sends something else`);
        watchdog.relax();
        await writeAll(file, chunk, done);
        done += chunk.length;
        onProgress(done);
        watchdog.expect('more bytes', IMAGE_COMES.idleMs);
      }
    });
  } catch (error) {
    throw error instanceof NotNow ? new NotNow(error.message, error.retryAfterMs, done > begun) : error;
  }
  if (done < image.size) throw new NotNow(`${image.name} ended after ${done} of ${image.size} bytes`, 0, done > begun);
  await file.truncate(image.size);
  // Else a power cut may leave its name on half of its bytes.
  await file.sync();
  return begun > 0;
}

/** Not appended to, see above; and whoever may write to the directory must not choose by a link what is written to. */
const openPart = (part: string): Promise<FileHandle> =>
  openFile(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);

/** Where the body begins in the file. */
async function startOf(response: Response, image: BuiltImage, have: number): Promise<number> {
  const { status, headers } = response;
  const type = headers.get('content-type') ?? '';
  if (status === 206) {
    const [, first, total] =
      /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(first) === have && (total === '*' || Number(total) === image.size)) return have;
    await response.body?.cancel();
    throw new BadAnswer(`${image.name}: asked for the bytes from ${have} on, got others`);
  }
  if (status === 200 && /^text\/html\b/i.test(type))
    throw new BadAnswer(`${image.name}: expected a file, got ${whatItIs(await readText(response, MAX_ERROR_BYTES))}`);
  if (status === 200) return 0;
  throw refusalOf(response, await readText(response, MAX_ERROR_BYTES));
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
}

async function mustFit(directory: string, image: BuiltImage, have: number): Promise<void> {
  const [needed, free] = [image.size - have, await freeBytes(directory)];
  if (free < needed)
    throw new LocalFault(
      `there is no room for ${image.name} in ${directory}: it needs ${tellBytes(needed)}, and ${tellBytes(free)} are free`,
    );
}

/** Faults of files as sentences that name the place. */
async function onThisDisk<T>({ image, directory }: ImageDownload, part: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDiskFull(error))
      throw new LocalFault(
        `there is no room for ${image.name} in ${directory}; what came so far is kept in ${part}, and it goes on from there`,
      );
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new LocalFault(`${image.name} cannot be written to ${directory} (${code})`);
  }
}

/** Null where there is no such file, or one of another size: it is not worth reading. */
async function sha256IfThere(file: string, size: number, signal: AbortSignal): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  return found?.isFile() && found.size === size ? await sha256OfFile(file, { signal }) : null;
}
