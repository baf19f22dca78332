/**
 * An image as lists show it: for which device, when, and by which name its facts are asked for. Who asked for it is in none of
 * that. One that somebody had made from a repository of his own is not listed, since its packages may be known to nobody else.
 */
import type { BuildRecord } from '../../shared/build/build-record.ts';
import { imageHash } from '../../shared/seed/file-path.ts';
import { manifestHash } from '../../shared/seed/hashes.ts';
import { buildSeconds, deviceName } from '../../shared/seed/image-facts.ts';

export interface ListedImage {
  /** 15 digits. */
  readonly imageHash: string;
  readonly manifestHash: string;
  readonly distro: string;
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly model: string;
  /** Milliseconds since 1970. */
  readonly builtAt: number;
  readonly buildSeconds: number;
}

/** With its place among all that were ever listed, which only grows. */
export interface NumberedImage extends ListedImage {
  readonly sequence: number;
}

/** Null for an image that no list may show. */
export function listedImage(record: BuildRecord): ListedImage | null {
  if (record.private || Object.keys(record.echo.repositories).length > 0) return null;
  const { distro, version, target, profile } = record.request;
  return {
    imageHash: imageHash(record.requestHash),
    manifestHash: manifestHash(record.manifest),
    distro,
    version,
    target,
    profile,
    model: deviceName(record),
    builtAt: record.publishedAt,
    buildSeconds: buildSeconds(record.durationMs),
  };
}
