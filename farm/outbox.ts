/**
 * Leases that this node holds, and what it has to say about them. What a build made is written here before it is uploaded, and the end
 * of a lease before it is sent, and stays until the Foreman acknowledged it: so neither a lost answer nor a killed process
 * loses a finished build.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { and, eq, isNull } from 'drizzle-orm';
import { type LeaseReport, LeaseReportSchema } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { type Built, builtOfText, builtToText } from './built.ts';
import type { NodeDatabase } from './db/open-database.ts';
import { leases } from './db/schema.ts';

/** An upload that takes its node down must not do so for ever. */
const MAX_TAKEN_UP = 3;

type ReportEvent = LeaseReport['event'];

export class Outbox {
  readonly #db: NodeDatabase;
  readonly #edge: string;

  constructor(db: NodeDatabase, edgeUrl: string) {
    this.#db = db;
    this.#edge = edgeUrl;
  }

  take(leaseId: string, requestHash: string, now: number): void {
    this.#db
      .insert(leases)
      .values({ id: leaseId, edge: this.#edge, requestHash, takenAt: now })
      .onConflictDoNothing()
      .run();
  }

  /** A report that need not survive: the next one says it better. */
  progress(leaseId: string, event: ReportEvent): LeaseReport {
    return create(LeaseReportSchema, { leaseId, sequence: BigInt(this.#nextSequence(leaseId)), event });
  }

  /** Nothing else was numbered after it: a Foreman that hears of this lease cannot have taken it for an old report. */
  isLatest({ leaseId, sequence }: LeaseReport): boolean {
    const row = this.#db.select().from(leases).where(eq(leases.id, leaseId)).get();
    return row !== undefined && BigInt(row.sequence) === sequence;
  }

  /** What came out, before it is uploaded. */
  keepBuilt(leaseId: string, built: Built): void {
    this.#db
      .update(leases)
      .set({ built: builtToText(built) })
      .where(eq(leases.id, leaseId))
      .run();
  }

  /** After a start: what the last process was uploading. Null where there is nothing, or it was taken up too often. */
  takeUp(leaseId: string): Built | null {
    const row = this.#db.select().from(leases).where(eq(leases.id, leaseId)).get();
    if (!row?.built || row.takenUp >= MAX_TAKEN_UP) return null;
    this.#db
      .update(leases)
      .set({ takenUp: row.takenUp + 1 })
      .where(eq(leases.id, leaseId))
      .run();
    return builtOfText(row.built);
  }

  /** The last word about a lease; a second one is ignored. */
  finish(leaseId: string, event: ReportEvent): void {
    const known = this.#db.select().from(leases).where(eq(leases.id, leaseId)).get();
    if (!known || known.finalReport) return;
    const report = create(LeaseReportSchema, { leaseId, sequence: BigInt(this.#nextSequence(leaseId)), event });
    this.#db
      .update(leases)
      .set({ finalReport: Buffer.from(toBinary(LeaseReportSchema, report)) })
      .where(eq(leases.id, leaseId))
      .run();
  }

  /** Ends of leases that nobody acknowledged yet. */
  unacknowledged(): LeaseReport[] {
    return this.#db
      .select()
      .from(leases)
      .where(eq(leases.edge, this.#edge))
      .all()
      .flatMap((row) => (row.finalReport ? [fromBinary(LeaseReportSchema, row.finalReport)] : []));
  }

  /** Leases without an end: after a start, the builds that the last process left behind. */
  unfinished(): string[] {
    return this.#db
      .select({ id: leases.id })
      .from(leases)
      .where(and(isNull(leases.finalReport), eq(leases.edge, this.#edge)))
      .all()
      .map((row) => row.id);
  }

  forget(leaseId: string): void {
    this.#db.delete(leases).where(eq(leases.id, leaseId)).run();
  }

  #nextSequence(leaseId: string): number {
    const row = this.#db.select().from(leases).where(eq(leases.id, leaseId)).get();
    const sequence = (row?.sequence ?? 0) + 1;
    this.#db.update(leases).set({ sequence }).where(eq(leases.id, leaseId)).run();
    return sequence;
  }
}
