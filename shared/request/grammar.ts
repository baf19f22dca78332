/**
 * The whole-string allow-lists of every word that can come near `make`, a path or a URL. Checked by the edge when a request
 * arrives and again by the node before anything is spawned: CVE-2024-54143 was one place that trusted another.
 *
 * JavaScript's `$` without the `m` flag matches the very end only, never before a trailing newline; `\w` is ASCII.
 */

/** Fields that are looked up, never executed; `.` and `..` are refused where a path is made of them. */
export const WORD = /^[\w.,-]+$/;
export const VERSION_CODE = /^[\w.,-]*$/;
export const TARGET = /^\w+\/\w+$/;
/** A real profile id, the way upstream writes it. `%` would be a pattern to make. */
export const PROFILE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
export const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}$/;
/** As a client may write it: `+name` is `name`, `-name` removes. */
export const PACKAGE_SELECTION = /^[+-]?[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}$/;
/** opkg and apk take such a name for a local file, past all signatures. */
export const PACKAGE_FILE = /\.(?:ipk|apk)$/;
export const PACKAGE_VERSION = /^[\w+.,~:-]*$/;
export const REPOSITORY_NAME = /^[\w.-]+$/;
/** `PUBLIC KEY` PEM, or the usign form with or without its comment line. Shape only: whoever uses it parses it. */
export const REPOSITORY_KEY =
  /^(?:(?:untrusted comment: [ -~]*\n)?RW[QRST][A-Za-z0-9+/]{53}\n?|-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n?)$/;
export const FILESYSTEMS = ['squashfs', 'ext4', 'ubifs', 'erofs', 'jffs2', 'jffs2-nand', 'targz', 'cpiogz'] as const;

export const isPackageName = (name: string): boolean => PACKAGE_NAME.test(name) && !PACKAGE_FILE.test(name);

/** A name of a file that a build may put into the store: one path segment, nothing that hides or leaves. */
export const OUTPUT_FILE = /^[A-Za-z0-9][A-Za-z0-9_.+~-]{0,199}$/;
