/**
 * An opkg-era ImageBuilder signs each image with a key that it made up itself, and appends the signature. Nobody trusts that
 * key, and it makes equal images differ on every node; without the signature they can be compared (docs on trust).
 *
 * Layout (OpenWrt, package/system/fwtool/src/fwimage.h), big-endian, at the very end of the file:
 * magic "FWx0" (4) · crc32 (4) · type (1; 0 signature, 1 metadata) · padding (3) · size of data and trailer (4).
 * The signature is the last block. Metadata lies before it, is the same everywhere, and stays.
 */
import type { FileHandle } from 'node:fs/promises';

const MAGIC = 0x46577830;
const SIGNATURE = 0;
const TRAILER_BYTES = 16;

/** Length of the file without a trailing signature; its whole length where there is none. */
export async function unsignedLength(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  if (size < TRAILER_BYTES) return size;
  const trailer = Buffer.alloc(TRAILER_BYTES);
  await file.read(trailer, 0, TRAILER_BYTES, size - TRAILER_BYTES);
  const blockBytes = trailer.readUInt32BE(12);
  const isSignature = trailer.readUInt32BE(0) === MAGIC && trailer.readUInt8(8) === SIGNATURE;
  return isSignature && blockBytes >= TRAILER_BYTES && blockBytes <= size ? size - blockBytes : size;
}
