/**
 * A tar.gz whose bytes depend on its members alone. The host's tar and gzip differ between machines and releases (and
 * so may deflate between processors), so members are written as plain ustar in the given order and gzip only wraps
 * them in stored blocks: every gunzip reads it, nothing is compressed, and the same table gives the same mirror
 * everywhere.
 */
import { crc32 } from 'node:zlib';

export type TarMember = {
  /** Relative path; a directory's ends in `/`. */
  readonly path: string;
  readonly content?: Uint8Array | string;
  readonly executable?: boolean;
};

const blockBytes = 512;
const storedBlockBytes = 0xffff;
/** `gzip -n`: no name, no time; operating system Unix. */
const gzipHeader = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);

export function tarGz(members: readonly TarMember[], mtimeSeconds: number): Uint8Array {
  return gzipStored(tar(members, mtimeSeconds));
}

/** ustar, owner root, mode 755 or 644, ended by two empty blocks and no further padding. */
export function tar(members: readonly TarMember[], mtimeSeconds: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const member of members) {
    const content = typeof member.content === 'string' ? Buffer.from(member.content) : (member.content ?? Buffer.of());
    parts.push(header(member, content.length, mtimeSeconds), content, padding(content.length));
  }
  parts.push(Buffer.alloc(2 * blockBytes));
  return Buffer.concat(parts);
}

/** RFC 1952 around RFC 1951's uncompressed blocks. */
export function gzipStored(content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [gzipHeader];
  let offset = 0;
  do {
    const block = content.subarray(offset, offset + storedBlockBytes);
    offset += block.length;
    const head = Buffer.alloc(5);
    head.writeUInt8(offset >= content.length ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(head, block);
  } while (offset < content.length);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(content), 0);
  tail.writeUInt32LE(content.length % 2 ** 32, 4);
  return Buffer.concat([...parts, tail]);
}

function header(member: TarMember, sizeBytes: number, mtimeSeconds: number): Uint8Array {
  const isDirectory = member.path.endsWith('/');
  const [prefix, name] = splitPath(member.path);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, offset: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  block.write(name, 0);
  octal(isDirectory || member.executable ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(mtimeSeconds, 136, 12);
  block.fill(' ', 148, 156);
  block.write(isDirectory ? '5' : '0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  block.write(prefix, 345);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** ustar has 100 bytes for the name and 155 for what stands before a slash of it. */
function splitPath(path: string): [prefix: string, name: string] {
  if (path.length <= 100) return ['', path];
  const slash = path.indexOf('/', path.length - 101);
  if (slash < 0 || slash > 155) throw new Error(`expected a path that fits ustar's 100 + 155 bytes, got ${path}`);
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function padding(sizeBytes: number): Uint8Array {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}
