/**
 * Where the old API shows the files of a build. Old clients keep a URL in 255 characters, so the path is the head of the build's
 * hash: 128 bits, which nobody finds by trying. That holds for images with `defaults` too, whose hash nobody else can compute.
 */
export const PATH_DIGITS = 32;

/** What stands for a build in paths below `/json/` and `/download/`. */
export const pathOf = (requestHash: string): string => requestHash.slice(0, PATH_DIGITS);

/** The directory of a build, as `files` names it: with a slash at both ends. */
export const filesPath = (requestHash: string): string => `/json/${pathOf(requestHash)}/`;

/** The log of a build that ended, well or not. */
export const LOG_FILE = 'build.log';
export const logPath = (requestHash: string): string => `${filesPath(requestHash)}${LOG_FILE}`;

/** The name of an image in `/api/image/<image_hash>`. */
export const IMAGE_HASH_DIGITS = 15;
export const imageHash = (requestHash: string): string => requestHash.slice(0, IMAGE_HASH_DIGITS);
