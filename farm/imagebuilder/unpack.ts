/**
 * Unpacks an ImageBuilder into a directory that appears as a whole or not at all: a tree that a crash left half done would
 * fail every later build in ways that look like the user's fault.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  createReadStream,
  promises as fs,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  type ReadStream,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { execa } from 'execa';
import { ArchivePolicy } from './archive-policy.ts';
import { readTar, type TarMember } from './tar-reader.ts';

export interface UnpackLimits {
  /** Of the archive once decompressed. */
  readonly maxBytes: number;
  readonly maxMembers: number;
}

export const UNPACK_LIMITS: UnpackLimits = { maxBytes: 4 * 1024 ** 3, maxMembers: 200_000 };

export type Compression = 'gz' | 'xz' | 'zst';

/** By the name of the archive, `….tar.zst`; null for any other. */
export const compressionOf = (name: string): Compression | null =>
  (/\.tar\.(gz|xz|zst)$/.exec(name)?.[1] as Compression | undefined) ?? null;

/** The archive is not what we accept; its digest was right, so asking again would not help. */
export class ArchiveError extends Error {}

/**
 * The content of the archive's one top directory becomes `directory`, which must not exist. `finish` is given the tree while
 * it still has another name and belongs to nobody; if it fails, there is no tree.
 *
 * @throws ArchiveError for an archive that is broken or hostile; what the file system throws; the signal's reason
 */
export async function unpack(
  archive: { readonly path: string; readonly compression: Compression },
  directory: string,
  signal: AbortSignal,
  limits: UnpackLimits = UNPACK_LIMITS,
  finish: (tree: string) => Promise<void> = async () => {},
): Promise<void> {
  const unfinished = `${directory}.unpacking`;
  await fs.rm(unfinished, { recursive: true, force: true });
  try {
    await unpackInto(unfinished, archive, signal, limits);
    await finish(unfinished);
    // Else a power cut may leave the new name with empty files behind it.
    await execa('sync', ['-f', unfinished], { reject: false });
    await fs.rename(unfinished, directory);
  } catch (error) {
    await fs.rm(unfinished, { recursive: true, force: true });
    signal.throwIfAborted();
    throw error;
  }
}

async function unpackInto(
  directory: string,
  archive: { readonly path: string; readonly compression: Compression },
  signal: AbortSignal,
  limits: UnpackLimits,
): Promise<void> {
  const policy = new ArchivePolicy(limits.maxMembers);
  const directoryTimes: [string, number][] = [];
  mkdirSync(directory, { mode: 0o755 });
  for await (const member of members(archive, signal, limits)) {
    const { path: below, linkedPath } = judged(() => policy.accept(member));
    const target = path.join(directory, below);
    if (member.type === 'directory') {
      mkdirSync(target, { recursive: true });
      chmodSync(target, modeOf(member));
      directoryTimes.push([target, member.mtimeS]);
      continue;
    }
    mkdirSync(path.dirname(target), { recursive: true });
    if (member.type === 'symlink') {
      symlinkSync(member.linkTarget, target);
      lutimesSync(target, member.mtimeS, member.mtimeS);
    } else if (member.type === 'hardlink') linkSync(path.join(directory, linkedPath), target);
    else await writeFile(target, member);
  }
  judged(() => policy.finish());
  // Deepest last written, so times are set when nothing touches the directories any more. make compares them.
  for (const [target, mtimeS] of directoryTimes) utimesSync(target, mtimeS, mtimeS);
}

/** The errors of reading are the archive's; those of writing are ours. This keeps them apart. */
async function* members(
  archive: { readonly path: string; readonly compression: Compression },
  signal: AbortSignal,
  limits: UnpackLimits,
): AsyncGenerator<TarMember> {
  const reading = readTar(capped(decompress(archive.path, archive.compression, signal), limits.maxBytes));
  try {
    for (;;) {
      const next = await reading.next().catch(asArchiveError);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reading.return(undefined).catch(() => {});
  }
}

async function writeFile(target: string, member: TarMember): Promise<void> {
  const file = openSync(target, 'wx', 0o600);
  try {
    const body = member.body();
    for (;;) {
      const next = await body.next().catch(asArchiveError);
      if (next.done) break;
      for (let at = 0; at < next.value.length; ) at += writeSync(file, next.value, at);
    }
  } finally {
    closeSync(file);
  }
  chmodSync(target, modeOf(member));
  utimesSync(target, member.mtimeS, member.mtimeS);
}

/** As a tar with umask 022 and without set-uid bits would; the owner must be able to copy and remove it. */
const modeOf = (member: TarMember): number => (member.mode & 0o755) | (member.type === 'directory' ? 0o700 : 0o600);

function judged<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    return asArchiveError(error);
  }
}

function asArchiveError(error: unknown): never {
  if (error instanceof ArchiveError) throw error;
  // ENOENT of a missing xz is not the archive's fault.
  if (error instanceof Error && 'syscall' in error) throw error;
  throw new ArchiveError(error instanceof Error ? error.message : String(error), { cause: error });
}

async function* capped(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > maxBytes) throw new ArchiveError(`expected at most ${maxBytes} bytes in the archive, got more`);
    yield chunk;
  }
}

async function* decompress(
  archivePath: string,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = createReadStream(archivePath, { signal });
  if (compression === 'gz') {
    const gunzip = createGunzip();
    file.on('error', (error) => gunzip.destroy(error));
    try {
      yield* file.pipe(gunzip) as AsyncIterable<Uint8Array>;
    } finally {
      // Who stops reading in the middle ends the one and not the other.
      file.destroy();
    }
  } else yield* throughTool(compression === 'xz' ? 'xz' : 'zstd', file);
}

/** `xz -dc` or `zstd -dc` of the host: the first has no place in Node, the second only in recent ones. */
async function* throughTool(tool: 'xz' | 'zstd', file: ReadStream): AsyncGenerator<Uint8Array> {
  const child: ChildProcess = spawn(tool, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = Promise.withResolvers<number | null>();
  ended.promise.catch(() => {});
  child.on('error', ended.reject);
  child.on('close', ended.resolve);
  if (child.stdin === null || child.stdout === null) throw new Error(`expected pipes to ${tool}, got none`);
  // It may end before it has read everything; then it has an exit code to say why.
  child.stdin.on('error', () => {});
  file.on('error', (error) => child.stdout?.destroy(error));
  file.pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const code = await ended.promise;
    if (code !== 0) throw new ArchiveError(`expected ${tool} to decompress the archive, it ended with ${code}`);
  } finally {
    file.destroy();
    child.kill('SIGKILL');
  }
}
