/** Tables of builds and of their places in the queue. */
import { sql } from 'drizzle-orm';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { BuildRecord, FailureRecord, RequestEcho } from '../../../shared/build/build-record.ts';
import type { Conditions } from '../../../shared/request/conditions.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';

/** `queued → leased → running → publishing → done`, or `failed`; a lost lease leads back to `queued`. */
export type BuildState = 'queued' | 'leased' | 'running' | 'publishing' | 'done' | 'failed';

export const LIVE_STATES = ['queued', 'leased', 'running', 'publishing'] as const satisfies readonly BuildState[];
/** Nobody has the last word about it yet. */
export const isUndecided = ({ state }: { readonly state: BuildState }): boolean =>
  state === 'queued' || state === 'leased' || state === 'running';

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

/** Builds that may lie in the store while they are under way; see kept-requests.ts. */
export const keptRequests = sqliteTable('kept_requests', {
  requestHash: text('request_hash').primaryKey(),
  /** It is there. */
  written: integer('written', { mode: 'boolean' }).notNull().default(false),
  /** Its build is over: it is to go. Set by a trigger. */
  ended: integer('ended', { mode: 'boolean' }).notNull().default(false),
});
