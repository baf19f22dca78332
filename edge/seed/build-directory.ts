/**
 * What lies in the directory of a finished build, as pages of 2019 list it: the files that were published, and those that the
 * server makes of them. A node may have stored a list of digests of its own; the server's stands in its place.
 */
import type { SeedFiles } from '../../shared/api/seed-files-answers.ts';
import { BuildError } from '../../shared/build/build-error.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { isMadeHere, LOG_FILE, SIGNATURE_FILE, SUMS_FILE } from '../../shared/seed/file-path.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Visit } from '../limits/visit.ts';
import { logError } from '../log.ts';
import type { BuiltResult } from '../results/kept-result.ts';

/** By name. @throws BuildError `too_many_requests` */
export async function listDirectory(
  context: EdgeContext,
  built: BuiltResult,
  visit: Visit,
  signal: AbortSignal,
): Promise<SeedFiles> {
  const { sums, signature } = await context.sums.of(built);
  const logBytes = await sizeOfLog(context, built, visit, signal);
  const sizes: [name: string, sizeBytes: number][] = [
    ...built.files
      .filter(({ name }) => !isMadeHere(name))
      .map(({ name, sizeBytes }): [string, number] => [name, sizeBytes]),
    [SUMS_FILE, utf8ToBytes(sums).length],
    [SIGNATURE_FILE, utf8ToBytes(signature).length],
    ...(logBytes > 0 ? [[LOG_FILE, logBytes] as [string, number]] : []),
  ];
  const mtime = new Date(built.record.publishedAt).toUTCString();
  return sizes.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, size]) => ({ name, type: 'file', mtime, size }));
}

/** Images are listed also while the store does not say whether there is a log. */
async function sizeOfLog(
  { buildLogs }: EdgeContext,
  { record }: BuiltResult,
  visit: Visit,
  signal: AbortSignal,
): Promise<number> {
  if (record.private) return 0;
  try {
    return await buildLogs.sizeBytes(record.leaseId, visit, signal);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    logError('a log cannot be listed now', { lease: record.leaseId, error });
    return 0;
  }
}
