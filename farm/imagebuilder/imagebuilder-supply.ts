/**
 * Puts ImageBuilders onto the shelf: signature, download, unpacking, record, in this order and once however many builds want
 * the same one. Nothing is believed of an order but its wish: the digest that it names must be the one that upstream signed.
 */
import { rm, stat } from 'node:fs/promises';
import { BuildError } from '../../shared/build/build-error.ts';
import { findImageBuilder } from '../../shared/upstream/sha256sums.ts';
import type { DiskBudget } from '../disk/disk-budget.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { bytesOnDisk } from '../disk/disk-usage.ts';
import { type DownloadLimits, download, isDownloaded } from './download.ts';
import type { DownloadShelf } from './download-shelf.ts';
import type { ImageBuilderShelf } from './imagebuilder-shelf.ts';
import { type Joiner, SharedWork } from './shared-work.ts';
import type { SmallFileLimits } from './small-file.ts';
import { ArchiveError, compressionOf, UNPACK_LIMITS, type UnpackLimits, unpack } from './unpack.ts';
import { placeOf, targetDirectory } from './upstream-place.ts';
import { isStillTrusted, readVerifiedSums, type SupplyTrust, type VerifiedSums } from './verified-sums.ts';

export type TreeProgress =
  | { readonly step: 'download'; readonly bytesDone: number; readonly bytesTotal: number }
  | { readonly step: 'unpack' };

export interface TreeSource {
  readonly url: string;
  readonly sha256: string;
}

/** A tree that stays until this is disposed of. */
export interface HeldTree extends Disposable {
  readonly sha256: string;
  /** Its path. Nothing is ever built in there. */
  readonly tree: string;
  /** Id of the key that vouches for it, `gpg:<fingerprint>`, or `unsigned`. */
  readonly signedBy: string;
}

export interface SupplyOptions {
  readonly shelf: ImageBuilderShelf;
  readonly downloads: DownloadShelf;
  readonly trust: SupplyTrust;
  /** Null: whatever the disk takes. */
  readonly budget: DiskBudget | null;
  /** Hosts inside to which a mirror inside may redirect; absent: none. */
  readonly mirrorRedirectsTo?: readonly string[] | undefined;
  readonly downloadLimits?: Partial<DownloadLimits> | undefined;
  readonly sumsLimits?: Partial<SmallFileLimits> | undefined;
  readonly unpackLimits?: UnpackLimits | undefined;
  /** Told of each piece that came over the network, once however many builds wait for it. */
  readonly onDownloaded?: ((bytes: number) => void) | undefined;
  /** Done once in a new tree, before anybody can see it; gives what `make info` printed, to be kept beside it. */
  readonly warm?: ((tree: string, signal: AbortSignal) => Promise<string | null>) | undefined;
}

/** What an archive grows by when it is unpacked; measured: 3 for xz and zst, and kernels of many devices grow less. */
const GROWTH = 5;

export class ImageBuilderSupply {
  readonly #options: SupplyOptions;
  readonly #running = new SharedWork<TreeProgress, string>();

  constructor(options: SupplyOptions) {
    this.#options = options;
  }

  /**
   * For a build. On the shelf already and still trusted: no network.
   * @throws BuildError `upstream_unavailable`, `disk_full` or `internal`; what the file system throws; the signal's reason
   */
  async provide(source: TreeSource, joiner: Joiner<TreeProgress>): Promise<HeldTree> {
    return await this.#hold(source, joiner, (signal) => this.#vouchedFor(source, signal));
  }

  /** For the operator, by upstream's own list. @throws as `provide`, and Error for a version or target that is none */
  async fetch(
    wish: { readonly upstreamUrl: string; readonly version: string; readonly target: string },
    joiner: Joiner<TreeProgress>,
  ): Promise<HeldTree> {
    const directoryUrl = targetDirectory(wish.upstreamUrl, wish.version, wish.target);
    const verified = await this.#read({ directoryUrl, version: wish.version }, joiner.signal);
    const { file, sha256 } = listedImageBuilder(directoryUrl, verified);
    const source = { url: `${directoryUrl}/${file}`, sha256 };
    return await this.#hold(source, joiner, async () => verified.signedBy);
  }

  async #hold(
    source: TreeSource,
    joiner: Joiner<TreeProgress>,
    vouchedFor: (signal: AbortSignal) => Promise<string>,
  ): Promise<HeldTree> {
    const { shelf } = this.#options;
    const { sha256 } = source;
    const held = shelf.use(sha256);
    try {
      const signedBy =
        (await this.#trustedSigner(sha256, joiner.signal)) ??
        (await this.#running.join(sha256, joiner, async (signal, report) => {
          const known = await this.#trustedSigner(sha256, signal);
          if (known !== null) return known;
          report({ step: 'download', bytesDone: 0, bytesTotal: 0 });
          const vouching = await vouchedFor(signal);
          if (!(await shelf.has(sha256))) await this.#fetchAndUnpack(source, signal, report);
          const { version, target } = placeOf(source.url);
          await shelf.vouch(sha256, { url: source.url, version, target, signedBy: vouching, fetchedAtMs: Date.now() });
          return vouching;
        }));
      return { sha256, tree: shelf.treeOf(sha256), signedBy, [Symbol.dispose]: () => held[Symbol.dispose]() };
    } catch (error) {
      held[Symbol.dispose]();
      throw isDiskFull(error) ? new BuildError('disk_full', undefined, { cause: error }) : error;
    }
  }

  /** Null where there is no tree, or none that counts today. */
  async #trustedSigner(sha256: string, signal: AbortSignal): Promise<string | null> {
    const { shelf, trust } = this.#options;
    if (!(await shelf.has(sha256))) return null;
    const record = await shelf.record(sha256);
    if (!record || !(await isStillTrusted(record.signedBy, record.version, trust, signal))) return null;
    return record.signedBy;
  }

  async #vouchedFor({ url, sha256 }: TreeSource, signal: AbortSignal): Promise<string> {
    const { directoryUrl, file, version } = placeOf(url);
    const { sums, signedBy } = await this.#read({ directoryUrl, version }, signal);
    const listed = sums.get(file);
    if (listed === sha256) return signedBy;
    const found = listed === undefined ? 'does not list it' : `lists ${listed}`;
    throw new BuildError(
      'upstream_unavailable',
      `Error: The build was ordered with the ImageBuilder ${file} of sha256 ${sha256}, and upstream's sha256sums ${found}: it changed since, or the mirror is being updated. This is not a fault of your request`,
    );
  }

  async #read(place: { directoryUrl: string; version: string | null }, signal: AbortSignal): Promise<VerifiedSums> {
    const { trust, sumsLimits: limits, mirrorRedirectsTo: insideTo = [] } = this.#options;
    return await readVerifiedSums(place, trust, { signal, limits, mayLead: { insideTo } });
  }

  async #fetchAndUnpack(
    source: TreeSource,
    signal: AbortSignal,
    report: (progress: TreeProgress) => void,
  ): Promise<void> {
    const { shelf, downloads, unpackLimits, warm } = this.#options;
    const compression = compressionOf(new URL(source.url).pathname);
    if (compression === null)
      throw new BuildError(
        'internal',
        `Error: Expected an ImageBuilder as .tar.zst, .tar.xz or .tar.gz, got ${source.url}`,
      );
    using _ = await downloads.use(source.sha256);
    await shelf.prepare();
    const path = downloads.archiveOf(source.sha256);
    const tree = shelf.treeOf(source.sha256);
    if (!(await isDownloaded(path))) await this.#download(source, path, signal, report);
    using _room = await this.#room(GROWTH * (await stat(path)).size, `${tree}.unpacking`);
    report({ step: 'unpack' });
    try {
      await unpack({ path, compression }, tree, signal, unpackLimits ?? UNPACK_LIMITS, async (unfinished) => {
        const info = await warm?.(unfinished, signal);
        if (info) await shelf.keepBeside(source.sha256, 'info', info);
      });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      await rm(path, { force: true });
      throw new BuildError(
        'upstream_unavailable',
        `Error: The ImageBuilder at ${source.url} cannot be used: ${error.message}. This is not a fault of your request`,
        { cause: error },
      );
    }
    await rm(path, { force: true });
  }

  async #download(
    source: TreeSource,
    path: string,
    signal: AbortSignal,
    report: (progress: TreeProgress) => void,
  ): Promise<void> {
    let room: Disposable | null = null;
    let knownBytes: number | null = null;
    try {
      await download({
        ...source,
        path,
        signal,
        limits: this.#options.downloadLimits ?? {},
        mayLead: { insideTo: this.#options.mirrorRedirectsTo ?? [] },
        onSize: async (totalBytes) => {
          room?.[Symbol.dispose]();
          // Asked for the tree as well, since an archive that cannot be unpacked is only in the way.
          room = await this.#room((1 + GROWTH) * totalBytes, `${path}.part`);
        },
        onProgress: (bytesDone, bytesTotal) => {
          // A resumed one begins with what is there; one that begins anew, with nothing.
          if (knownBytes !== null) this.#options.onDownloaded?.(Math.max(0, bytesDone - knownBytes));
          knownBytes = bytesDone;
          report({ step: 'download', bytesDone, bytesTotal });
        },
      });
    } finally {
      (room as Disposable | null)?.[Symbol.dispose]();
    }
  }

  /** @throws BuildError `disk_full` */
  async #room(bytes: number, place: string): Promise<Disposable> {
    const { budget } = this.#options;
    if (budget === null) return { [Symbol.dispose]: () => {} };
    const room = await budget.hold(bytes, () => bytesOnDisk(place));
    if (room === null) throw new BuildError('disk_full');
    return room;
  }
}

function listedImageBuilder(directoryUrl: string, { sums }: VerifiedSums): { file: string; sha256: string } {
  try {
    return findImageBuilder(sums);
  } catch (error) {
    throw new BuildError('upstream_unavailable', `Error: ${directoryUrl}/sha256sums: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
