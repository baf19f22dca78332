/** Tables of who is in the farm, and of the invitations to it. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { type HandBacks, NO_HAND_BACKS } from '../../../shared/node/hand-backs.ts';
import type { FaultsInARow } from '../../../shared/node/node-faults.ts';
import type { NodeState } from '../../../shared/node/node-state.ts';
import type { FeedOptIn } from '../../../shared/trust/foreign-feeds.ts';

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

export const joinTokens = sqliteTable('join_tokens', {
  id: text('id').primaryKey(),
  nodeId: text('node_id').notNull(),
  usedAt: integer('used_at').notNull(),
});

/** Builds that nodes left behind which were put out, still to be settled; see orphaned.ts. */
export const orphaned = sqliteTable(
  'orphaned',
  {
    requestHash: text('request_hash').notNull(),
    /** By which such a node had it; empty: it had spoken of it. */
    leaseId: text('lease_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.requestHash, table.leaseId] })],
);
