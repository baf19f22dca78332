/**
 * Where the old API shows the files of a build. Old clients keep a URL in 255 characters, so the path is the head of the build's
 * hash: 128 bits, which nobody finds by trying. That holds for images with `defaults` too, whose hash nobody else can compute.
 */
import { isSha256Hex } from '../crypto/digest.ts';

const PATH_DIGITS = 32;

/** What stands for a build in paths below `/json/` and `/download/`. */
export const pathOf = (requestHash: string): string => requestHash.slice(0, PATH_DIGITS);

/** A head as `pathOf` makes it, or the whole hash. */
export const isFilePath = (text: string): boolean => /^[0-9a-f]{32}$/.test(text) || isSha256Hex(text);

/** The directory of a build, as `files` names it: with a slash at both ends. */
export const filesPath = (requestHash: string): string => `/json/${pathOf(requestHash)}/`;

/** Made by the server, each in every directory, whatever of that name a node may have stored. */
export const SUMS_FILE = 'sha256sums';
export const SIGNATURE_FILE = 'sha256sums.sig';
export const LOG_FILE = 'build.log';

export const isMadeHere = (name: string): boolean => [SUMS_FILE, SIGNATURE_FILE, LOG_FILE].includes(name);

/**
 * The log of a build that ended. One that failed leaves no record by whose head it could be found, so its log goes by the whole
 * hash.
 */
export const logPath = (requestHash: string, end: 'built' | 'failed' = 'built'): string =>
  `/json/${end === 'failed' ? requestHash : pathOf(requestHash)}/${LOG_FILE}`;

/** The name of an image in `/api/image/<image_hash>`. */
export const IMAGE_HASH_DIGITS = 15;
export const imageHash = (requestHash: string): string => requestHash.slice(0, IMAGE_HASH_DIGITS);
