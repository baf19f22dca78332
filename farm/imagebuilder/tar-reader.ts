/**
 * Reads a tar archive as a stream of members. Our own reader on purpose: the same eyes that judge a member also write it, so
 * that a file cannot look harmless to a check and different to the tar that unpacks it.
 *
 * Understands ustar, GNU long names and pax (POSIX.1-2001, `pax`, "ustar Interchange Format"): what GNU tar writes.
 */
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';

const BLOCK_BYTES = 512;
/** Of a long name or a pax header; PATH_MAX is 4096. */
const MAX_EXTENSION_BYTES = 64 * 1024;

export interface TarMember {
  /** As written in the archive, without a trailing slash. Not yet judged. */
  readonly path: string;
  /** `other`: devices, fifos, sparse files, parts of a multi-volume archive. */
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly linkTarget: string;
  readonly mode: number;
  readonly mtimeS: number;
  readonly sizeBytes: number;
  /** The content, once, before the next member is asked for; what is not read is skipped. */
  readonly body: () => AsyncGenerator<Uint8Array>;
}

/** @throws Error when the bytes are no tar archive, or end too early */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const source = new ByteSource(chunks);
  let extensions: Extensions = {};
  for (;;) {
    const block = await source.take(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return await source.drain();
    const header = parseHeader(block);
    if (header.typeFlag === 'L' || header.typeFlag === 'K' || header.typeFlag === 'x' || header.typeFlag === 'g') {
      extensions = { ...extensions, ...(await readExtension(source, header)) };
      continue;
    }
    const sizeBytes = extensions.sizeBytes ?? header.sizeBytes;
    const path = extensions.path ?? header.path();
    const body = source.body(sizeBytes);
    yield {
      path: withoutTrailingSlashes(path),
      type: typeOf(header.typeFlag, path),
      linkTarget: extensions.linkTarget ?? header.linkTarget(),
      mode: header.mode,
      mtimeS: extensions.mtimeS ?? header.mtimeS,
      sizeBytes,
      body: () => body,
    };
    for await (const _ of body);
    extensions = {};
  }
}

interface Extensions {
  readonly path?: string;
  readonly linkTarget?: string;
  readonly sizeBytes?: number;
  readonly mtimeS?: number;
}

interface Header {
  /** Read only where no extension has it: a name too long for its field is cut there, perhaps within a character. */
  readonly path: () => string;
  readonly linkTarget: () => string;
  readonly mode: number;
  readonly mtimeS: number;
  readonly sizeBytes: number;
  readonly typeFlag: string;
}

function typeOf(typeFlag: string, path: string): TarMember['type'] {
  switch (typeFlag) {
    case '0':
    case '\0':
      // Before ustar a directory was a file whose name ends in a slash.
      return path.endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

function parseHeader(block: Uint8Array): Header {
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  if (number(block, 148, 8) !== sum) throw new Error('expected a tar header, got a block with a wrong checksum');
  const isUstar = String.fromCharCode(...block.subarray(257, 262)) === 'ustar';
  // GNU's own variant ("ustar  ") keeps times where POSIX keeps the prefix of a long path.
  const prefix = () => (isUstar && block[262] === 0 ? text(block, 345, 155) : '');
  return {
    path: () => (prefix() === '' ? text(block, 0, 100) : `${prefix()}/${text(block, 0, 100)}`),
    linkTarget: () => text(block, 157, 100),
    mode: number(block, 100, 8),
    mtimeS: number(block, 136, 12),
    sizeBytes: number(block, 124, 12),
    typeFlag: String.fromCharCode(block[156] ?? 0),
  };
}

async function readExtension(source: ByteSource, header: Header): Promise<Extensions> {
  if (header.sizeBytes > MAX_EXTENSION_BYTES)
    throw new Error(`expected a tar extension of at most ${MAX_EXTENSION_BYTES} bytes, got ${header.sizeBytes}`);
  const parts: Uint8Array[] = [];
  for await (const chunk of source.body(header.sizeBytes)) parts.push(chunk);
  const content = Buffer.concat(parts);
  if (header.typeFlag === 'L') return { path: text(content, 0, content.length) };
  if (header.typeFlag === 'K') return { linkTarget: text(content, 0, content.length) };
  const records = parsePax(content);
  // A global header names no member; one that tries would rename all that follow.
  if (header.typeFlag === 'g') return {};
  const size = records.get('size');
  const mtime = records.get('mtime');
  const path = records.get('path');
  const linkTarget = records.get('linkpath');
  if (size !== undefined && !/^[0-9]{1,15}$/.test(size)) throw new Error('expected a size in a pax header, got none');
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse')))
    throw new Error('expected no sparse file in the archive, got one');
  return {
    ...(path !== undefined ? { path } : {}),
    ...(linkTarget !== undefined ? { linkTarget } : {}),
    ...(size !== undefined ? { sizeBytes: Number(size) } : {}),
    ...(mtime !== undefined && Number.isFinite(Number(mtime)) ? { mtimeS: Number(mtime) } : {}),
  };
}

/** Records are `<length> <key>=<value>\n`, the length counting itself. */
function parsePax(content: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const lengthBytes = blank < 0 ? Number.NaN : Number(decode(content.subarray(at, blank)));
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 5 || at + lengthBytes > content.length)
      throw new Error('expected a pax record, got something else');
    const record = decode(content.subarray(blank + 1, at + lengthBytes - 1));
    const equals = record.indexOf('=');
    if (equals < 1) throw new Error('expected a pax record, got something else');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += lengthBytes;
  }
  return records;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const decode = (bytes: Uint8Array): string => utf8.decode(bytes);

function text(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or big-endian binary with the top bit set where they do not suffice (GNU). */
function number(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if (first & 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value)) throw new Error('expected a tar header, got a number out of range');
    return value;
  }
  const digits = String.fromCharCode(...field)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (!/^[0-7]*$/.test(digits)) throw new Error('expected a tar header, got a field that is no number');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** The archive's bytes, to be taken in pieces of any size. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  /** Of the chunks; after it they say that they are at their end, and a fault of our disk would be told as a short archive. */
  #failure: Error | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async #upTo(maxBytes: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      if (this.#failure) throw this.#failure;
      const next = await this.#chunks.next().catch((error) => {
        this.#failure = error;
        throw error;
      });
      if (next.done) throw new Error('expected more of the archive, got its end: it is truncated');
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async take(sizeBytes: number): Promise<Uint8Array> {
    const first = await this.#upTo(sizeBytes);
    if (first.length === sizeBytes) return first;
    const parts = [first];
    for (let have = first.length; have < sizeBytes; ) {
      const piece = await this.#upTo(sizeBytes - have);
      parts.push(piece);
      have += piece.length;
    }
    return Buffer.concat(parts);
  }

  async *body(sizeBytes: number): AsyncGenerator<Uint8Array> {
    let left = sizeBytes;
    try {
      while (left > 0) {
        const piece = await this.#upTo(left);
        left -= piece.length;
        yield piece;
      }
    } finally {
      // Also when the reader stopped early: the next header begins behind the padding.
      while (left > 0) left -= (await this.#upTo(left)).length;
      const padding = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
      if (padding > 0) await this.take(padding);
    }
  }

  /** To the end, so that a decompressor behind it can say whether its checksum was right. */
  async drain(): Promise<void> {
    this.#rest = new Uint8Array();
    while (!(await this.#chunks.next()).done);
  }
}
