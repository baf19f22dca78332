/**
 * The Foreman's tables. Kept in the Durable Object's own SQLite, because each transition of a build must be one transaction
 * and single-flight must have one place. Nothing published depends on them: finished builds are records in the object store.
 * Times are milliseconds since 1970. The statements that make these tables are in migrations/.
 */
import { sql } from 'drizzle-orm';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { BuildErrorKind } from '../../shared/build-error.ts';
import type { BuildRecord, FailureRecord, Pins, RequestEcho } from '../../shared/build-record.ts';
import type { Conditions } from '../../shared/conditions.ts';
import type { FaultsInARow } from '../../shared/node-faults.ts';
import type { NodeState } from '../../shared/node-state.ts';
import type { NormalizedRequest } from '../../shared/normalize-request.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import type { DsseEnvelope } from '../../shared/trust/dsse.ts';
import type { Counted } from '../statistics/counted.ts';
import type { ListedImage } from '../statistics/listed-image.ts';
import type { KeptFailure } from '../statistics/public-failure.ts';

/** `queued → leased → running → publishing → done`, or `failed`; a lost lease leads back to `queued`. */
export type BuildState = 'queued' | 'leased' | 'running' | 'publishing' | 'done' | 'failed';

export const LIVE_STATES = ['queued', 'leased', 'running', 'publishing'] as const satisfies readonly BuildState[];

/** `another`: volunteers have built it, and others than these are to do so as well. In the database as it began, as a flag. */
export const WHOM = { anyone: 0, trusted: 1, another: 2 } as const;
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
  /** What its last builds took; milliseconds. */
  durations: text('durations', { mode: 'json' }).$type<readonly number[]>().notNull().default([]),
  /** Where an operator said that it is called; empty: it is not. Unique, but for the empty one. */
  address: text('address').notNull().default(''),
  /** In a row; what the last one was; and until when it is left alone for them. */
  callFailures: integer('call_failures').notNull().default(0),
  callFault: text('call_fault').notNull().default(''),
  notCalledBefore: integer('not_called_before').notNull().default(0),
  joinedAt: integer('joined_at').notNull(),
  lastSeenAt: integer('last_seen_at').notNull(),
});
export type NodeRow = typeof nodes.$inferSelect;

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

export const meta = sqliteTable('meta', {
  name: text('name').primaryKey(),
  value: integer('value').notNull(),
});
