/**
 * A directory of packages as one build sees it through the proxy. Names of feeds and files come from a mirror or a build, and
 * become parts of URLs: what is not in these allow-lists is not asked for at all.
 */
export interface ProxiedFeed {
  /** `target`, `kmods`, the name of an architecture's feed, or `foreign-<n>`: its directory at the proxy. */
  readonly id: string;
  /** Its directory upstream, without a trailing slash. */
  readonly url: string;
  /** sha256 of the plain `Packages`, or of `index.json` in the apk era, when the build was leased; null: as it is now. */
  readonly pin: string | null;
  /** Of the request's own repositories: shares no knowledge about mirrors with the others. */
  readonly isForeign: boolean;
}

export const FEED_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const OPKG_FILE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,250}\.ipk$/;
const APK_FILE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,250}\.apk$/;

/** The names that a build of each era has for an index and what goes with it. */
export const INDEX_FILES = {
  opkg: ['Packages', 'Packages.gz', 'Packages.sig'],
  apk: ['packages.adb'],
} as const;

export type IndexFile = (typeof INDEX_FILES)['opkg' | 'apk'][number];

export const PACKAGE_FILE_NAME = { opkg: OPKG_FILE, apk: APK_FILE } as const;
