/**
 * Finished builds as an isolate keeps them: answers made, little else held. An isolate has 128 MB; the more results fit in,
 * the fewer hits read KV, and a read of KV costs more than all the rest of a hit.
 */
import { LRUCache } from 'lru-cache';
import type { OfBuild } from '../../shared/api/build-answers.ts';
import type { BuildRecord, FailureRecord, StoredFile } from '../../shared/build/build-record.ts';
import { type DonePieces, donePieces } from '../../shared/build/build-result.ts';
import { isFresh } from '../../shared/build/freshness.ts';
import type { ArchDocument, TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import { LIFETIMES } from '../lifetimes.ts';

/** What of a record is wanted after its answer was made: small, since an isolate wants to hold thousands. */
export type KeptRecord = Pick<
  BuildRecord,
  'requestHash' | 'intentHash' | 'generation' | 'private' | 'leaseId' | 'publishedAt'
> & {
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  /** Those that were asked for, with blanks between them: one string for thirty names. */
  readonly packages: string;
};

/** What ImageBuilders say of a device: one text for all images for it. One that is far too long is each image's own. */
const devices = new LRUCache<string, string>({
  maxSize: LIFETIMES.devicesInMemoryBytes,
  maxEntrySize: LIFETIMES.devicesInMemoryBytes / 64,
  sizeCalculation: bytesOf,
});

function one(ofDevice: string): string {
  const known = devices.get(ofDevice);
  if (known === undefined) devices.set(ofDevice, ofDevice);
  return known ?? ofDevice;
}

/** Of a text in memory: one character beyond Latin-1 makes all of it take two bytes each. */
function bytesOf(text: string): number {
  return /^[\0-\xff]*$/.test(text) ? text.length : 2 * text.length;
}

/**
 * A built result as an isolate keeps it: the answer's text and little else. A parsed manifest takes three times its text,
 * and is wanted only when upstream has moved.
 */
export class BuiltResult {
  readonly kind = 'built';
  readonly record: KeptRecord;
  readonly pieces: DonePieces;
  /** The request to show where nobody asks with one. */
  readonly echoJson: string;
  readonly #filesJson: string;
  readonly #unindexed: readonly string[];
  readonly #imageBuilderSha256: string;
  #fresh:
    | { readonly upstream: string; readonly target: TargetDocument; readonly arch: ArchDocument; readonly is: boolean }
    | undefined;

  constructor(record: BuildRecord) {
    const { requestHash, intentHash, generation, leaseId, publishedAt } = record;
    const { version, target, profile, addPackages } = record.request;
    const asked = { version, target, profile, packages: addPackages.join(' ') };
    this.record = { requestHash, intentHash, generation, private: record.private, leaseId, publishedAt, ...asked };
    const { ofBuild, ofDevice } = donePieces(record);
    this.pieces = { ofBuild, ofDevice: one(ofDevice) };
    this.echoJson = JSON.stringify(record.echo);
    this.#filesJson = JSON.stringify(record.files);
    this.#unindexed = record.unindexed;
    this.#imageBuilderSha256 = record.pins.imageBuilder.sha256;
  }

  /** ABI-free name → version; parsed each time. */
  get manifest(): BuildRecord['manifest'] {
    return (JSON.parse(`{${this.pieces.ofBuild}}`) as { manifest: BuildRecord['manifest'] }).manifest;
  }

  /** As answers list them; parsed each time. */
  get images(): OfBuild['images'] {
    return (JSON.parse(`{${this.pieces.ofBuild}}`) as OfBuild).images;
  }

  /** Parsed each time. */
  get files(): readonly StoredFile[] {
    return JSON.parse(this.#filesJson) as StoredFile[];
  }

  /** What it takes in memory: texts, and the objects around them. */
  get sizeBytes(): number {
    const { ofBuild, ofDevice } = this.pieces;
    const own = [
      ofBuild,
      this.echoJson,
      this.#filesJson,
      this.record.packages,
      ...(devices.has(ofDevice) ? [] : [ofDevice]),
    ];
    return own.reduce((sum, text) => sum + bytesOf(text), 1_200);
  }

  /** Computed once for each state of upstream. */
  isFresh(target: TargetDocument, arch: ArchDocument): boolean {
    const known = this.#fresh;
    if (known?.target === target && known.arch === arch) return known.is;
    const upstream = `${target.imageBuilder.sha256} ${target.packagesDigest} ${arch.packagesDigest}`;
    if (known?.upstream === upstream) {
      // The same in another copy, as each refresh brings one.
      this.#fresh = { ...known, target, arch };
      return known.is;
    }
    const pins = { imageBuilder: { sha256: this.#imageBuilderSha256 } };
    const is = isFresh({ pins, unindexed: this.#unindexed, manifest: this.manifest }, target, arch);
    this.#fresh = { upstream, target, arch, is };
    return is;
  }
}

export class FailedResult {
  readonly kind = 'failed';
  readonly failure: FailureRecord;

  constructor(failure: FailureRecord) {
    this.failure = failure;
  }

  /** Of its log and its request every character may take two bytes. */
  get sizeBytes(): number {
    const { stdout, stderr, detail, echo } = this.failure;
    return 4_000 + 2 * (stdout.length + stderr.length + detail.length + JSON.stringify(echo).length);
  }
}

export type Result = BuiltResult | FailedResult;
