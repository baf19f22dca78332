/** What an isolate keeps between requests: configuration, keys, caches, and the ways to the Foreman and the store. */

import { waitUntil } from 'cloudflare:workers';
import { bytesToHex } from '../shared/crypto/digest.ts';
import { type ServerKeys, serverKeys } from '../shared/crypto/server-keys.ts';
import type { EdgeSettings } from '../shared/edge-settings.ts';
import { SubmissionDesk } from './builds/submission-desk.ts';
import { Wishes } from './builds/wish.ts';
import { type CatalogueReader, catalogueReader } from './catalogue/read.ts';
import { configOf } from './config.ts';
import type { Env } from './env.ts';
import { EventDesk } from './events/event-desk.ts';
import type { Foreman } from './foreman/foreman.ts';
import { LIFETIMES } from './lifetimes.ts';
import { ClientKeys } from './limits/client-keys.ts';
import { FullQueue } from './limits/full-queue.ts';
import { openRateLimits } from './limits/open-rate-limits.ts';
import type { RateLimit, RateLimits } from './limits/rate-limit.ts';
import { TokenBuckets } from './limits/token-buckets.ts';
import { LogPermits } from './nodes/log-permits.ts';
import { AskingTurns } from './results/ask-in-turn.ts';
import { Manifests } from './results/manifests.ts';
import { PendingBuilds } from './results/pending-builds.ts';
import { Results } from './results/results.ts';
import { BuildLogs } from './seed/build-logs.ts';
import { KnownPrefixes } from './seed/known-prefixes.ts';
import { Names } from './seed/names.ts';
import { SignedSums } from './seed/signed-sums.ts';
import { CountDesk } from './statistics/count-desk.ts';
import { KeptAnswers } from './statistics/kept-answers.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { openObjectStore } from './storage/open-object-store.ts';
import { UploadPermits } from './uploads/upload-permits.ts';

/** As many questions as there are about statistics; branches are few. */
const MAX_KEPT_ANSWERS = 64;
/** Of one client: a person mistypes a few times. */
const WRONG_KEYS_PER_MINUTE = 10;
/** A thousand bytes each. */
const MAX_IMAGE_PAGES = 1_000;

export interface EdgeContext {
  readonly config: EdgeSettings;
  readonly keys: ServerKeys;
  /** The edge's public key in hex: what nodes sign their calls for. */
  readonly audience: string;
  readonly wishes: Wishes;
  readonly catalogue: CatalogueReader;
  readonly results: Results;
  readonly pending: PendingBuilds;
  readonly manifests: Manifests;
  /** What is told of an image, by its whole hash; null for one of which nothing is. */
  readonly imagePages: KeptAnswers<{ readonly text: string | null }>;
  /** Short hashes of the old API. */
  readonly names: Names;
  /** Heads of builds' hashes. */
  readonly prefixes: KnownPrefixes;
  readonly sums: SignedSums;
  readonly buildLogs: BuildLogs;
  readonly polls: AskingTurns;
  readonly events: EventDesk;
  readonly logPermits: LogPermits;
  readonly limits: RateLimits;
  /** Who tries keys of the admin API that are none. */
  readonly wrongKeys: RateLimit;
  readonly clients: ClientKeys;
  readonly fullQueue: FullQueue;
  readonly submissions: SubmissionDesk;
  readonly counts: CountDesk;
  /** Answers of the statistics, and those about our health. */
  readonly statistics: KeptAnswers<object>;
  readonly health: KeptAnswers<{ readonly status: number; readonly text: string }>;
  /** To send the bytes of what was granted. */
  readonly uploadPermits: UploadPermits;
  readonly store: ObjectStore;
  readonly env: Env;
}

/** The Foreman as its callers see it: the stub's own types lose unions on the way through an RPC. */
export type ForemanCalls = Pick<
  Foreman,
  | 'submit'
  | 'status'
  | 'claimName'
  | 'findName'
  | 'join'
  | 'renew'
  | 'lease'
  | 'orderToBring'
  | 'notBrought'
  | 'report'
  | 'grantUploads'
  | 'upload'
  | 'startMultipart'
  | 'addPart'
  | 'closeUpload'
  | 'restartUpload'
  | 'completeUpload'
  | 'completeUploads'
  | 'refuseLog'
  | 'stats'
  | 'cancel'
  | 'actOnNode'
  | 'setAddress'
  | 'listNodes'
  | 'publicNodes'
  | 'reproducibility'
  | 'takeCounts'
  | 'statistics'
>;

const contexts = new WeakMap<Env, EdgeContext>();

/**
 * Finished contexts only are kept: a request must not wait for the promise of another, which ends with its client. Of the
 * first requests each may make one; whichever is kept first is used by all.
 */
export async function edgeContext(env: Env): Promise<EdgeContext> {
  const known = contexts.get(env);
  if (known) return known;
  const made = await makeContext(env);
  const first = contexts.get(env) ?? made;
  contexts.set(env, first);
  return first;
}

async function makeContext(env: Env): Promise<EdgeContext> {
  const config = configOf(env);
  const keys = await serverKeys(config.SERVER_KEY);
  const store = openObjectStore(env);
  const events = new EventDesk(store);
  return {
    config,
    keys,
    audience: bytesToHex(keys.signing.publicKey),
    wishes: new Wishes(config, {
      distros: config.DISTROS,
      allowDefaults: config.ALLOW_DEFAULTS,
      maxDefaultsBytes: config.MAX_DEFAULTS_LENGTH,
      maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
      repositoryAllowList: config.REPOSITORY_ALLOW_LIST,
      defaultsKey: keys.defaultsMac,
    }),
    catalogue: catalogueReader(env, { waitUntil }),
    results: new Results(env.CACHE, store),
    pending: new PendingBuilds(),
    manifests: new Manifests(env.CACHE, store),
    imagePages: new KeptAnswers(LIFETIMES.statisticsMs, MAX_IMAGE_PAGES),
    names: new Names(env.CACHE, () => foremanOf(env)),
    prefixes: new KnownPrefixes(env.CACHE),
    sums: new SignedSums(keys.usign),
    buildLogs: new BuildLogs(events.logs),
    events,
    logPermits: new LogPermits(keys.permits),
    polls: new AskingTurns(),
    limits: openRateLimits(env, config),
    wrongKeys: new TokenBuckets(WRONG_KEYS_PER_MINUTE),
    clients: new ClientKeys(keys.clients, config.CLIENT_ADDRESS_HEADER),
    fullQueue: new FullQueue(),
    submissions: new SubmissionDesk({ waitUntil }),
    counts: new CountDesk({ send: (batch) => foremanOf(env).takeCounts(batch), waitUntil }),
    statistics: new KeptAnswers(LIFETIMES.statisticsMs, MAX_KEPT_ANSWERS),
    health: new KeptAnswers(LIFETIMES.healthMs, MAX_KEPT_ANSWERS),
    uploadPermits: new UploadPermits(keys.permits),
    store,
    env,
  };
}

/** The one Foreman. Sharding by intent would need only another name here. */
export const foremanOf = (env: Env): ForemanCalls =>
  env.FOREMAN.get(env.FOREMAN.idFromName('foreman')) as unknown as ForemanCalls;
