/**
 * The Foreman's tables. Kept in the Durable Object's own SQLite, because each transition of a build must be one transaction
 * and single-flight must have one place. Nothing published depends on them: finished builds are records in the object store.
 * Times are milliseconds since 1970. The statements that make these tables are in migrations/.
 */
import { sql } from 'drizzle-orm';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { AcceptedResult } from '../../shared/accept-result.ts';
import type { BuildErrorKind } from '../../shared/build-error.ts';
import type { BuildRecord, FailureRecord, Pins, RequestEcho } from '../../shared/build-record.ts';
import type { Conditions } from '../../shared/conditions.ts';
import { type HandBacks, NO_HAND_BACKS } from '../../shared/hand-backs.ts';
import type { FaultsInARow } from '../../shared/node-faults.ts';
import type { NodeState } from '../../shared/node-state.ts';
import type { NormalizedRequest } from '../../shared/normalize-request.ts';
import type { WantedImage } from '../../shared/prebuild/wanted-image.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import type { CheckKind, CheckOutcome } from '../../shared/trust/checks.ts';
import type { DsseEnvelope } from '../../shared/trust/dsse.ts';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import type { Counted } from '../statistics/counted.ts';
import type { ListedImage } from '../statistics/listed-image.ts';
import type { KeptFailure } from '../statistics/public-failure.ts';

/** `queued → leased → running → publishing → done`, or `failed`; a lost lease leads back to `queued`. */
export type BuildState = 'queued' | 'leased' | 'running' | 'publishing' | 'done' | 'failed';

export const LIVE_STATES = ['queued', 'leased', 'running', 'publishing'] as const satisfies readonly BuildState[];
export const isLive = ({ state }: { readonly state: BuildState }): boolean =>
  (LIVE_STATES as readonly BuildState[]).includes(state);

/**
 * `another`: volunteers have built it, and others than these are to do so as well. `optedIn`: those that fetch from all of its
 * foreign feeds, whether or not somebody has built it. In the database as it began, as a flag.
 */
export const WHOM = { anyone: 0, trusted: 1, another: 2, optedIn: 3 } as const;
export type Whom = (typeof WHOM)[keyof typeof WHOM];

export const builds = sqliteTable('builds', {
  /** Seniority: a build that lost its node goes back with the place it had. */
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  requestHash: text('request_hash').notNull(),
  intentHash: text('intent_hash').notNull(),
  generation: integer('generation').notNull(),
  state: text('state').$type<BuildState>().notNull(),
  request: text('request', { mode: 'json' }).$type<NormalizedRequest>().notNull(),
  echo: text('echo', { mode: 'json' }).$type<RequestEcho>().notNull(),
  conditions: text('conditions', { mode: 'json' }).$type<Conditions>().notNull(),
  /** Who asked first, as a key of the day that is no address; erased when the build ends. Empty: nobody can be told apart. */
  clientKey: text('client_key').notNull().default(''),
  /** When it is this build's turn between clients; see turns.ts. */
  turn: integer('turn').notNull().default(0),
  /** Who is to build it (shared/trust/policy.ts), or to build it again. */
  whom: integer('needs_trust').$type<Whom>().notNull().default(0),
  /** By which it is drawn who builds it again; a secret of this build. Empty as long as there is nothing to draw. */
  draw: text('draw').notNull().default(''),
  /** Sha256 of the ImageBuilder that upstream had when the request was accepted. */
  imageBuilder: text('image_builder').notNull().default(''),
  /** AES-GCM by the server's key, base64url; erased when the build ends. */
  sealedDefaults: text('sealed_defaults'),
  /** Of upstream when the request was accepted; of the lease's pins afterwards. */
  upstreamDigest: text('upstream_digest').notNull(),
  enqueuedAt: integer('enqueued_at').notNull(),
  /** When it came to the queue, or back to it: since then it waits for whoever is to have it next. */
  queuedAt: integer('queued_at').notNull().default(0),
  /** When somebody asked for it last, to the minute. */
  polledAt: integer('polled_at').notNull().default(0),
  /** Postponed until then, since upstream was down; 0: not postponed. */
  notBefore: integer('not_before').notNull(),
  pinFailures: integer('pin_failures').notNull().default(0),
  attempts: integer('attempts').notNull().default(0),
  leaseId: text('lease_id'),
  startedAt: integer('started_at'),
  step: integer('step').notNull().default(0),
  bytesDone: integer('bytes_done').notNull().default(0),
  bytesTotal: integer('bytes_total').notNull().default(0),
  /** What is to be published, decided and checked; null before `publishing` and after `done`. */
  record: text('record', { mode: 'json' }).$type<BuildRecord>(),
  failure: text('failure', { mode: 'json' }).$type<FailureRecord>(),
  finishedAt: integer('finished_at'),
  /** When a private image's files are removed; null for all others, and afterwards. */
  expiresAt: integer('expires_at'),
});
export type BuildRow = typeof builds.$inferSelect;

/** As text, not as a value that is bound: the indexes of waiting builds alone are used for this very text. */
export const isQueued = sql`${builds.state} = 'queued'`;
/** Waits, and not for upstream. */
export const isReady = sql`${builds.state} = 'queued' AND ${builds.notBefore} = 0`;

/** Of clients that asked lately: the turn of the last build of each. */
export const clients = sqliteTable('clients', {
  key: text('key').primaryKey(),
  turn: integer('turn').notNull(),
});

/** How many there are in a stretch of keys, kept by triggers; see ranks.ts. */
export const ranks = sqliteTable(
  'ranks',
  {
    /** `live`: unfinished builds by sequence; `queued`: waiting ones by turn. */
    what: text('what').$type<'live' | 'queued'>().notNull(),
    level: integer('level').notNull(),
    bucket: integer('bucket').notNull(),
    n: integer('n').notNull(),
  },
  (table) => [primaryKey({ columns: [table.what, table.level, table.bucket] })],
);

export const leases = sqliteTable('leases', {
  id: text('id').primaryKey(),
  requestHash: text('request_hash').notNull(),
  nodeId: text('node_id').notNull(),
  idempotencyKey: text('idempotency_key').notNull(),
  attempt: integer('attempt').notNull(),
  state: text('state').$type<'active' | 'ended'>().notNull(),
  pins: text('pins', { mode: 'json' }).$type<Pins>().notNull(),
  grantedAt: integer('granted_at').notNull(),
  /** Ends unless a report renews it. */
  expiresAt: integer('expires_at').notNull(),
  /** The build itself must be over. */
  deadlineAt: integer('deadline_at').notNull(),
  lastSequence: integer('last_sequence').notNull().default(0),
  endReason: text('end_reason'),
  /** It is given for a check, and the build that it names is published; see checks.ts. Null for all others. */
  checkId: integer('check_id'),
  /** When its files are looked at, to be removed unless somebody wants them; null: they are an image's, or it has none. */
  filesDueAt: integer('files_due_at'),
  /** No word about them counts any more. */
  filesRemoved: integer('files_removed', { mode: 'boolean' }).notNull().default(false),
});
export type LeaseRow = typeof leases.$inferSelect;

export const votes = sqliteTable(
  'votes',
  {
    requestHash: text('request_hash').notNull(),
    operator: text('operator').notNull(),
    nodeId: text('node_id').notNull(),
    tier: text('tier').notNull(),
    leaseId: text('lease_id').notNull(),
    outcome: text('outcome').$type<'image' | 'failure'>().notNull(),
    kind: text('kind').$type<BuildErrorKind>(),
    /** Of an image; of a failure, of the words that tell it. */
    digest: text('digest'),
    /** From which network it came (shared/trust/network-of.ts). */
    network: text('network').notNull().default(''),
    /** Digest of the pins of its lease: words about other inputs cannot be held against each other. */
    inputs: text('inputs').notNull().default(''),
    at: integer('at').notNull(),
    /**
     * `open`: the build is undecided. `moot`: it ended without a decision, or with one about other inputs. `withdrawn`: it was
     * right, said a node that is not believed any more.
     */
    verdict: text('verdict').$type<'open' | 'right' | 'wrong' | 'moot' | 'withdrawn'>().notNull().default('moot'),
  },
  (table) => [primaryKey({ columns: [table.requestHash, table.operator] })],
);
export type VoteRow = typeof votes.$inferSelect;

export interface DrainBehind {
  readonly stateReason: string;
  readonly stateSince: number;
}

export const nodes = sqliteTable('nodes', {
  id: text('id').primaryKey(),
  publicKey: text('public_key').notNull(),
  name: text('name').notNull(),
  operator: text('operator').notNull(),
  tier: text('tier').$type<'trusted' | 'volunteer'>().notNull(),
  state: text('state').$type<NodeState>().notNull(),
  /** Why it is in that state, for its operator. */
  stateReason: text('state_reason').notNull().default(''),
  stateSince: integer('state_since').notNull().default(0),
  /** Who put it there: somebody, or its own faults. */
  stateBy: text('state_by').$type<'operator' | 'foreman'>().notNull().default('operator'),
  /** The drain by an operator on which a quarantine was put, and that holds again once it is released. */
  drainBehind: text('drain_behind', { mode: 'json' }).$type<DrainBehind>(),
  /** In a row; see node-faults.ts. */
  faults: text('faults', { mode: 'json' }).$type<FaultsInARow>().notNull().default([]),
  /** See hand-backs.ts. */
  handBacks: text('hand_backs', { mode: 'json' }).$type<HandBacks>().notNull().default(NO_HAND_BACKS),
  /** Its votes that agreed with what was decided; of these, images; those that did not; its leases that ended without a word. */
  right: integer('builds_right').notNull().default(0),
  images: integer('images').notNull().default(0),
  wrong: integer('builds_wrong').notNull().default(0),
  lost: integer('builds_lost').notNull().default(0),
  /** From which it asked for work last; empty: not known. */
  network: text('network').notNull().default(''),
  softwareVersion: text('software_version').notNull().default(''),
  /** Builds that it runs at once, as it says. */
  slots: integer('slots').notNull().default(1),
  /** Sha256 of the ImageBuilders that it has, as it says. */
  held: text('held', { mode: 'json' }).$type<readonly string[]>().notNull().default([]),
  /** From which foreign feeds it fetches, as it says; null where it says nothing. */
  feeds: text('feeds', { mode: 'json' }).$type<FeedOptIn>(),
  /** What its last builds took; milliseconds. */
  durations: text('durations', { mode: 'json' }).$type<readonly number[]>().notNull().default([]),
  /** Where an operator said that it is called; empty: it is not. Unique, but for the empty one. */
  address: text('address').notNull().default(''),
  /** In a row; what the last one was; and until when it is left alone for them. */
  callFailures: integer('call_failures').notNull().default(0),
  callFault: text('call_fault').notNull().default(''),
  notCalledBefore: integer('not_called_before').notNull().default(0),
  /** It was found out, or revoked, and what it vouched for up to this record of the log counts no more; 0: it never was. */
  disownedUpTo: integer('disowned_up_to').notNull().default(0),
  joinedAt: integer('joined_at').notNull(),
  lastSeenAt: integer('last_seen_at').notNull(),
});
export type NodeRow = typeof nodes.$inferSelect;

/** What was published, or remembered, and does not stand any more; see recall.ts. */
export const recalled = sqliteTable('recalled', {
  requestHash: text('request_hash').primaryKey(),
  intentHash: text('intent_hash').notNull(),
  dueAt: integer('due_at').notNull(),
  /** How often it was removed. */
  times: integer('times').notNull().default(0),
});

/** Undecided builds on which enough volunteers agree, in a farm that is too small; see shelf.ts. */
export const shelved = sqliteTable('shelved', {
  requestHash: text('request_hash').primaryKey(),
  leaseId: text('lease_id').notNull(),
  /** Of an image; null for a failure. */
  result: text('result', { mode: 'json' }).$type<AcceptedResult>(),
  unindexed: text('unindexed', { mode: 'json' }).$type<readonly string[]>().notNull().default([]),
  /** Is not looked at before. */
  dueAt: integer('due_at').notNull().default(0),
});
export type ShelvedRow = typeof shelved.$inferSelect;

/** Nodes whose published results are still to be gone through; see withdraw.ts. */
export const disowned = sqliteTable('disowned', { nodeId: text('node_id').primaryKey() });

/** Of each target in each branch: what distinct operators made of the same inputs. */
export const reproducibility = sqliteTable(
  'reproducibility',
  {
    branch: text('branch').notNull(),
    target: text('target').notNull(),
    /** Images that were equal. */
    agreed: integer('agreed').notNull().default(0),
    /** Images that differed, and it is not known whose fault that is: it may be the target's. */
    unexplained: integer('unexplained').notNull().default(0),
    /** Images that differed from those of others who were believed. */
    explained: integer('explained').notNull().default(0),
    lastAt: integer('last_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.branch, table.target] })],
);
export type ReproducibilityRow = typeof reproducibility.$inferSelect;

/** Operators of volunteers whose word about a target was heard, by a check. */
export const measurers = sqliteTable(
  'measurers',
  { branch: text('branch').notNull(), target: text('target').notNull(), operator: text('operator').notNull() },
  (table) => [primaryKey({ columns: [table.branch, table.target, table.operator] })],
);

export const joinTokens = sqliteTable('join_tokens', {
  id: text('id').primaryKey(),
  nodeId: text('node_id').notNull(),
  usedAt: integer('used_at').notNull(),
});

export const uploads = sqliteTable(
  'uploads',
  {
    leaseId: text('lease_id').notNull(),
    name: text('name').notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    sha256: text('sha256').notNull(),
    /** The store's name for an upload in parts; null for one PUT. */
    multipartId: text('multipart_id'),
    /** Part number → the store's etag. */
    parts: text('parts', { mode: 'json' }).$type<Record<string, string>>().notNull(),
    /** `closing`: its parts are being made one object and take no more bytes. */
    state: text('state').$type<'open' | 'closing' | 'complete'>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.leaseId, table.name] })],
);
export type UploadRow = typeof uploads.$inferSelect;

/** Rollups of a day; day 0 holds what was counted since the beginning. */
export const counters = sqliteTable(
  'counters',
  {
    what: text('what').$type<Counted>().notNull(),
    /** Of UTC, since 1970. */
    day: integer('day').notNull(),
    branch: text('branch').notNull(),
    name: text('name').notNull(),
    n: integer('n').notNull(),
  },
  (table) => [primaryKey({ columns: [table.what, table.day, table.branch, table.name] })],
);

/** Public builds that failed lately, as far as they are told. */
export const failures = sqliteTable('failures', {
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  failure: text('failure', { mode: 'json' }).$type<KeptFailure>().notNull(),
});

/** Short hashes of the old API, each of the request that came first. */
export const names = sqliteTable('names', {
  name: text('name').primaryKey(),
  identity: text('identity').notNull(),
  dialect: text('dialect').$type<Dialect>().notNull(),
  requestHash: text('request_hash').notNull(),
  /** Noted once a day. */
  usedAt: integer('used_at').notNull(),
});
export type NameRow = typeof names.$inferSelect;

/** Public images that were built lately. */
export const latestImages = sqliteTable('latest_images', {
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  image: text('image', { mode: 'json' }).$type<ListedImage>().notNull(),
});

/** DSSE envelopes of undecided builds, as JSON; gone when the build has ended. */
export const statements = sqliteTable(
  'statements',
  {
    requestHash: text('request_hash').notNull(),
    leaseId: text('lease_id').notNull(),
    envelope: text('envelope', { mode: 'json' }).$type<DsseEnvelope>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.requestHash, table.leaseId] })],
);

/** What was published, as the log has it: the last record, and those that are not in the store yet. */
export const log = sqliteTable('log', {
  sequence: integer('sequence').primaryKey(),
  /** Of the payload. */
  hash: text('hash').notNull(),
  requestHash: text('request_hash').notNull(),
  /** Of the record, to be signed (shared/trust/log-record.ts). */
  payload: text('payload').notNull(),
  at: integer('at').notNull(),
  written: integer('written', { mode: 'boolean' }).notNull().default(false),
});
export type LogRow = typeof log.$inferSelect;

/** Published images that can be built again to see whether somebody tells the truth. None is private, none of foreign feeds. */
export const knownImages = sqliteTable('known_images', {
  requestHash: text('request_hash').primaryKey(),
  /** On whose word it was published. `disputed`: a volunteer made another one, and it is not settled who is right. */
  word: text('word').$type<'trusted' | 'quorum' | 'disputed'>().notNull(),
  branch: text('branch').notNull(),
  target: text('target').notNull(),
  /** Sha256, of its pins. */
  imageBuilder: text('image_builder').notNull(),
  inputs: text('inputs').notNull(),
  digest: text('digest').notNull(),
  /** Who said so. */
  nodeId: text('node_id').notNull(),
  operator: text('operator').notNull(),
  /** Where it stands among the others, by chance. */
  place: integer('place').notNull(),
  /** 1: by building it again it is seen whether its target is reproducible. */
  measures: integer('measures').notNull().default(0),
  at: integer('at').notNull(),
});
export type KnownImage = typeof knownImages.$inferSelect;

/** `waiting → leased → ended`; what a rebuild said is `settling` before that, since it takes the store. */
export type CheckState = 'waiting' | 'leased' | 'settling' | 'ended';

export const checks = sqliteTable('checks', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  kind: text('kind').$type<CheckKind>().notNull(),
  state: text('state').$type<CheckState>().notNull(),
  requestHash: text('request_hash').notNull(),
  branch: text('branch').notNull(),
  target: text('target').notNull(),
  /** What is known of it, and who said so. */
  inputs: text('inputs').notNull(),
  digest: text('digest').notNull(),
  knownNode: text('known_node').notNull(),
  /** Of a dispute: whose canary was another image. */
  accused: text('accused'),
  leaseId: text('lease_id'),
  nodeId: text('node_id'),
  operator: text('operator'),
  /** Of the same, before this one. */
  tries: integer('tries').notNull().default(0),
  /** `image` and its digest, or `failure` and its kind. */
  said: text('said'),
  outcome: text('outcome').$type<CheckOutcome>(),
  /** When it got into its state. */
  at: integer('at').notNull(),
  /** `left`: what its node uploaded is to be removed. */
  files: text('files').$type<'none' | 'left' | 'removed'>().notNull().default('none'),
});
export type CheckRow = typeof checks.$inferSelect;

/** What is published and takes space in the store; see images.ts. */
export const images = sqliteTable('images', {
  requestHash: text('request_hash').primaryKey(),
  intentHash: text('intent_hash').notNull(),
  /** Whose files it is made of. */
  leaseId: text('lease_id').notNull(),
  /** Of its files and its record. */
  bytes: integer('bytes').notNull(),
  isPrivate: integer('is_private', { mode: 'boolean' }).notNull(),
  /** Or published, if nobody asked for it since. */
  servedAt: integer('served_at').notNull(),
  /** `leaving`: it is being unpublished (unpublish.ts), or will be. */
  state: text('state').$type<'kept' | 'leaving'>().notNull(),
  /** How far it is with that, and when the next step is due. */
  step: integer('step').notNull().default(0),
  dueAt: integer('due_at').notNull().default(0),
});
export type ImageRow = typeof images.$inferSelect;

/** How many images there are and what they take, kept by triggers; `removed`: since this is counted. */
export const imageSums = sqliteTable('image_sums', {
  state: text('state').$type<'kept' | 'leaving' | 'removed'>().primaryKey(),
  n: integer('n').notNull(),
  bytes: integer('bytes').notNull(),
});

/** Wishes that many asked for, most wanted first; see list-wanted.ts. */
export const wanted = sqliteTable('wanted', {
  intentHash: text('intent_hash').primaryKey(),
  place: integer('place').notNull(),
  /** Null for one that is not to be built before it is asked for. */
  image: text('image', { mode: 'json' }).$type<WantedImage>(),
});

/** Versions that upstream had, with an empty target, and targets that were built for before anybody asked. */
export const upstreamSeen = sqliteTable(
  'upstream_seen',
  {
    version: text('version').notNull(),
    target: text('target').notNull(),
    /** Sha256; of a version empty. */
    imageBuilder: text('image_builder').notNull(),
    /** That were queued for it. */
    builds: integer('builds').notNull(),
    /** 0: it was there when the first look was taken. */
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.version, table.target] })],
);

/** Builds that may lie in the store while they are under way; see kept-requests.ts. */
export const keptRequests = sqliteTable('kept_requests', {
  requestHash: text('request_hash').primaryKey(),
  /** It is there. */
  written: integer('written', { mode: 'boolean' }).notNull().default(false),
  /** Its build is over: it is to go. Set by a trigger. */
  ended: integer('ended', { mode: 'boolean' }).notNull().default(false),
});

export const meta = sqliteTable('meta', {
  name: text('name').primaryKey(),
  value: integer('value').notNull(),
});
