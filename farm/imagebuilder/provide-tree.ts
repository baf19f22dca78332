/**
 * Puts an ImageBuilder onto this node's disk, once: `<state>/imagebuilders/<sha256>`, named by the digest that upstream
 * signed, so that equal names are equal bytes. Nothing is ever built in there; each build works in a copy of its own,
 * because a build runs foreign code that can write to its tree.
 */
import { access, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build-error.ts';
import { type DownloadLimits, download, isDownloaded } from './download.ts';
import { SharedWork } from './shared-work.ts';
import { ArchiveError, compressionOf, unpack } from './unpack.ts';

export type TreeProgress =
  | { readonly step: 'download'; readonly bytesDone: number; readonly bytesTotal: number }
  | { readonly step: 'unpack' };

export interface TreeSource {
  readonly url: string;
  readonly sha256: string;
}

export interface ProvideOptions {
  readonly stateDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TreeProgress) => void;
  readonly downloadLimits?: Partial<DownloadLimits> | undefined;
}

const providing = new SharedWork<TreeProgress, string>();

/**
 * The path of the unpacked tree.
 * @throws BuildError `upstream_unavailable`; what the file system throws; the signal's reason
 */
export async function provideTree(source: TreeSource, options: ProvideOptions): Promise<string> {
  const tree = path.join(options.stateDirectory, 'imagebuilders', source.sha256);
  if (await exists(tree)) return tree;
  return await providing.join(tree, options, async (signal, report) => {
    if (await exists(tree)) return tree;
    await fetchAndUnpack(source, tree, options, signal, report);
    return tree;
  });
}

async function fetchAndUnpack(
  source: TreeSource,
  tree: string,
  options: ProvideOptions,
  signal: AbortSignal,
  report: (progress: TreeProgress) => void,
): Promise<void> {
  const compression = compressionOf(new URL(source.url).pathname);
  if (compression === null)
    throw new BuildError(
      'internal',
      `Error: Expected an ImageBuilder as .tar.zst, .tar.xz or .tar.gz, got ${source.url}`,
    );
  const archive = path.join(options.stateDirectory, 'downloads', source.sha256);
  await mkdir(path.dirname(archive), { recursive: true });
  await mkdir(path.dirname(tree), { recursive: true });
  if (!(await isDownloaded(archive))) {
    report({ step: 'download', bytesDone: 0, bytesTotal: 0 });
    await download({
      ...source,
      path: archive,
      signal,
      limits: options.downloadLimits ?? {},
      onProgress: (bytesDone, bytesTotal) => report({ step: 'download', bytesDone, bytesTotal }),
    });
  }
  report({ step: 'unpack' });
  try {
    await unpack({ path: archive, compression }, tree, signal);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    await rm(archive, { force: true });
    throw new BuildError(
      'upstream_unavailable',
      `Error: The ImageBuilder at ${source.url} cannot be used: ${error.message}. This is not a fault of your request`,
      { cause: error },
    );
  }
  await rm(archive, { force: true });
}

const exists = async (file: string): Promise<boolean> =>
  await access(file).then(
    () => true,
    () => false,
  );
