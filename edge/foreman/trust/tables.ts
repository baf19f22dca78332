/** Tables of what nodes said, of what was thought of it, and of what is built again to find out. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { AcceptedResult } from '../../../shared/build/accept-result.ts';
import type { BuildErrorKind } from '../../../shared/build/build-error.ts';
import type { CheckKind, CheckOutcome } from '../../../shared/trust/checks.ts';
import type { DsseEnvelope } from '../../../shared/trust/dsse.ts';

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

/** Nodes whose published results are still to be gone through; see withdraw.ts. */
export const disowned = sqliteTable('disowned', { nodeId: text('node_id').primaryKey() });
