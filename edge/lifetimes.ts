/** Every lifetime of a cached answer, in one table. Whatever deletes an image must wait longer than the longest of them. */
export const LIFETIMES = {
  /** Whole results in an isolate. Immutable by hash; by intent they are checked for freshness at each use. */
  resultInMemoryMs: 10 * 60_000,
  /** Failures in an isolate: shorter, since upstream may mend what failed. */
  failureInMemoryMs: 60_000,
  /** A hash that nobody knows: it may be known in a moment, to whoever makes up the request of which it is the hash. */
  unknownHashMs: 5_000,
  /** A build of which the store has no record: shorter, for it may be published in this very moment. */
  unbuiltMs: 1_000,
  /** Short hashes of the old API in an isolate. */
  nameInMemoryMs: 10 * 60_000,
  /** That such a hash leads to no newer build, as the Foreman said. */
  sureNameMs: 5_000,
  /** Shorter than the Foreman's memory of it: by then somebody asks there, and it is known to be in use. */
  nameInKvSeconds: 30 * 24 * 3_600,
  /** To which build the head of a hash leads: that does not change, and costs a listing to find out. */
  prefixInKvSeconds: 30 * 24 * 3_600,
  /** A failure of ours, in the old API: who only ever asks for the build anew hears of it, and begins no other for so long. */
  seedFailureMs: 60_000,
  /** A queue that was full: one that has room again is noticed so much later. */
  queueFullMs: 2_000,
  /**
   * Submissions of an isolate that come so soon after its last call go to the Foreman together. It is nothing to whoever waits for a
   * build. On a release day an isolate has four in a second: of these two calls are left, and with half of this time three would be.
   */
  submissionsMs: 500,
  /** Wishes whose build is under way: who asks for one again joins it, also while the queue is full. */
  liveIntentMs: 10 * 60_000,
  /** Permits to send a file that was granted: files of an ended lease are taken in for so long, and never count. */
  grantMs: 60_000,
  /** Answers of /healthz and /metrics. */
  healthMs: 2_000,
  /** Answers about statistics, in an isolate and in the Foreman. */
  statisticsMs: 60_000,
  /** What an isolate counted may be lost with it: so much of it at most. */
  countsMs: 60_000,
  /** The same, where there is no more room for new names. */
  fullCountsMs: 10_000,
  /** Networks whose requests an isolate counts against the limits. */
  limitedClients: 20_000,
  /** What a poller of a running build is told, for those who ask in the same moment. */
  runningMs: 1_000,
  /** That a build is done, for whoever polls for it next: the file that says what came of it is looked for first. */
  doneMs: 60_000,
  /** Of a build that waits: a twentieth of its estimate, between these. The next one in line may start at any moment. */
  queuedMinMs: 1_000,
  queuedMaxMs: 60_000,
  /** Some five thousand: where more is polled for than there is room, each poll is a call to the Foreman. */
  pendingInMemoryBytes: 8 * 1024 * 1024,
  /** An isolate has 128 MB, of which the catalogue may take 32. */
  resultsInMemoryBytes: 48 * 1024 * 1024,
  /** Beside them, what is the same in all images for a device: some three thousand bytes each. */
  devicesInMemoryBytes: 4 * 1024 * 1024,
  /** Lists of packages by their hash, as text. */
  manifestsInMemoryBytes: 2 * 1024 * 1024,
  /** Lists of digests of images, with their signatures. */
  sumsInMemoryBytes: 2 * 1024 * 1024,
  /** Wishes whose hash is known: most of what routers ask was asked before, in one spelling or another. */
  wishesInMemoryBytes: 16 * 1024 * 1024,
  /** The permit to write to a log that comes with an order: nearly every build is over by then. */
  orderPermitMs: 10 * 60_000,
  /** That a node without one may write to the log of its lease, as the Foreman said. */
  logPermitMs: 60_000,
  /** Pieces of builds' logs that somebody listens to. */
  logsInMemoryBytes: 4 * 1024 * 1024,
  /** What is written to KV, or deleted, is so everywhere: what it says may be so old. The platform speaks of a minute. */
  kvSettlesMs: 2 * 60_000,
  /** A request of ours that hangs ends, and does what it was about to do: what it has read may be so old. */
  callMs: 15 * 60_000,
  /** Who was told of an image fetches its files; so long they are there. */
  fetchMs: 60 * 60_000,
} as const;

/** For how long an isolate may tell of a build, or of its end, what it was told itself. */
export const TOLD_OF_BUILDS_MS = [
  LIFETIMES.resultInMemoryMs,
  LIFETIMES.doneMs,
  LIFETIMES.queuedMaxMs,
  LIFETIMES.statisticsMs,
] as const;

/**
 * How what is unpublished leaves KV: it is deleted there at once, and again after each of these, for whoever read the record a moment
 * before may write it a moment after.
 */
export const LEAVES_KV_MS = [LIFETIMES.kvSettlesMs, LIFETIMES.callMs] as const;

/**
 * After the last of these nobody is told of it any more once KV has settled, the slowest request that read it there is over, and what
 * that remembered is too old; then all who were told have time to fetch what they were told of. Then its files go.
 */
export const FILES_STAY_MS =
  LIFETIMES.kvSettlesMs + LIFETIMES.callMs + Math.max(...TOLD_OF_BUILDS_MS) + LIFETIMES.fetchMs;

/** What the Foreman knows of what is over: builds, names, checks, what upstream had. What is published has no such end. */
export const HISTORY_MS = 90 * 24 * 3_600_000;

export const CACHE_CONTROL = {
  /** Files of a build never change under their name. */
  image: 'public, max-age=31536000, immutable',
  metadata: 'public, max-age=60',
  statistics: 'public, max-age=60',
  /** The API's document and its page: they change with the server only. */
  documentation: 'public, max-age=3600',
  /** The files that it names are kept for ever, and are others in the next version. */
  page: 'public, max-age=60',
  never: 'no-store',
} as const;

/** What `Retry-After` says; today's clients do not read it, proxies and scripts do. */
export const RETRY_AFTER_SECONDS = { pending: 5, overloaded: 60, upstream: 60, limited: 10 } as const;
