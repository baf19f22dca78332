/**
 * The record of a finished build: what lies in the object store as `builds/<request_hash>.json`, what KV caches, what
 * every answer about the build is made from. What it says of the image never changes; it is marked when the image is to go
 * (`unpublishedAt`), and removed whole: at a private image's end, for the budget, since it was recalled, or since its files are gone.
 */
import type { BuildRequest } from '../request/build-request.ts';
import type { NormalizedRequest } from '../request/normalize-request.ts';
import type { BuildErrorKind } from './build-error.ts';

/** The request as answers show it; `defaults` is gone for good. */
export type RequestEcho = Omit<BuildRequest, 'defaults'> & { readonly defaults: null };

/** Inputs of upstream, fixed when the build was leased. */
export interface Pins {
  readonly revision: string;
  readonly imageBuilder: { readonly url: string; readonly sha256: string };
  readonly feeds: readonly { readonly name: string; readonly sha256: string }[];
}

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface RecordedImage extends StoredFile {
  readonly type: string;
  readonly filesystem: string;
}

/** What the ImageBuilder's own profiles.json said of the device, passed through to clients. */
export interface DeviceFacts {
  readonly versionNumber: string;
  readonly versionCode: string;
  readonly sourceDateEpoch: number;
  readonly archPackages: string;
  readonly defaultPackages: readonly string[];
  readonly devicePackages: readonly string[];
  readonly supportedDevices: readonly string[];
  readonly titles: readonly Readonly<Record<string, string>>[];
  readonly imagePrefix: string;
  readonly linuxKernel: Readonly<Record<string, string>> | null;
}

/** Under which the node says that it built. */
export interface Circumstances {
  /** What the build was fenced with, or that it was not. */
  readonly sandbox: string;
  /** Key id that signed the ImageBuilder's `sha256sums`, or `unsigned`. */
  readonly imageBuilderSignedBy: string;
}

/** A node that vouches for an image, as it was when that was decided. */
export interface RecordedAttester {
  readonly leaseId: string;
  readonly nodeId: string;
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly operator: string;
  readonly tier: 'trusted' | 'volunteer';
}

export interface BuildRecord {
  readonly format: 1;
  readonly requestHash: string;
  readonly intentHash: string;
  readonly generation: number;
  /** `defaultsMac` is blanked: a MAC is still a fingerprint of a secret. */
  readonly request: NormalizedRequest;
  readonly echo: RequestEcho;
  readonly private: boolean;
  readonly pins: Pins;
  /** Where the files are: `objects/<leaseId>/<name>`. */
  readonly leaseId: string;
  readonly nodeId: string;
  /** Absent in records of a time when it was not recorded. */
  readonly nodeName?: string;
  readonly operator: string;
  /** On whose words it was published; absent in records of a time when it was one node's, the one above. */
  readonly attesters?: readonly RecordedAttester[];
  readonly files: readonly StoredFile[];
  readonly images: readonly RecordedImage[];
  /** ABI-free name → version. */
  readonly manifest: Readonly<Record<string, string>>;
  /** Names of the manifest that upstream's indexes did not list at publication; they say nothing about freshness. */
  readonly unindexed: readonly string[];
  readonly device: DeviceFacts;
  readonly buildCommand: readonly string[];
  /** Absent in records of a time when nodes did not tell. */
  readonly circumstances?: Circumstances;
  /** Milliseconds since 1970. */
  readonly enqueuedAt: number;
  readonly publishedAt: number;
  readonly durationMs: number;
  /** Images with `defaults` end by the clock; all others do not. */
  readonly expiresAt: number | null;
  /**
   * Absent as long as it is told of. Since then it is told to nobody, and stands here for those alone who were told before and fetch
   * its files (docs/garbage.md).
   */
  readonly unpublishedAt?: number;
}

/** A build that failed, for answers and, where it would fail again, for the cache. */
export interface FailureRecord {
  readonly requestHash: string;
  readonly intentHash: string;
  readonly generation: number;
  readonly kind: BuildErrorKind;
  readonly detail: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly echo: RequestEcho;
  readonly private: boolean;
  /** State of upstream that it failed with; with another, it may not fail. */
  readonly upstreamDigest: string;
  readonly enqueuedAt: number;
  readonly failedAt: number;
  /** Whose log tells of it; null where no node was at it. */
  readonly leaseId?: string | null;
}

export type StoredResult =
  | { readonly kind: 'built'; readonly record: BuildRecord }
  | { readonly kind: 'failed'; readonly failure: FailureRecord };

/** Names in the object store. A record points at files; nothing is ever moved or copied, which makes publishing atomic. */
export const storeKey = {
  object: (leaseId: string, file: string): string => `objects/${leaseId}/${file}`,
  /** What a node puts there by itself. Nothing is served from here: the edge hashes it, and makes an object of it. */
  incoming: (nodeId: string, leaseId: string, file: string): string => `incoming/${nodeId}/${leaseId}/${file}`,
  build: (requestHash: string): string => `builds/${requestHash}.json`,
  intent: (intentHash: string): string => `intents/${intentHash}.json`,
  /** By its digits (seed/hashes.ts): one for all public images that have these packages. */
  manifest: (manifestHash: string): string => `manifests/${manifestHash}.json`,
  /** `piece` counts from 1. */
  log: (leaseId: string, piece: number): string => `${storeKey.logs(leaseId)}${piece}.txt`,
  /** What the keys of a log begin with. */
  logs: (leaseId: string): string => `logs/${leaseId}/`,
  /** Who vouches for an image; stays when the image goes, but for private ones. */
  statements: (requestHash: string): string => `statements/${requestHash}.json`,
  /** A record of what was published, counted from 1; the last one; and where among them an image is. */
  logRecord: (sequence: number): string => `log/${sequence}.json`,
  logHead: 'log/head.json',
  logged: (requestHash: string): string => `log/of/${requestHash}.json`,
};
