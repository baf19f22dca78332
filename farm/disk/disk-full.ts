/** As the file system says it, and as SQLite does. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'];

/** Is it the disk that is full? Asked where an error would else be told as the mirror's, or as a fault that nobody can read. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && FULL.includes(error.code)) || isDiskFull(error.cause));
