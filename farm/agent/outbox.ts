/**
 * Leases that this node holds, and what it has to say about them. What a build made is written here before it is uploaded, and the end
 * of a lease before it is sent, and stays until the Foreman acknowledged it: so neither a lost answer nor a killed process
 * loses a finished build.
 *
 * On a disk that is full nothing is begun, but what runs is still spoken of, from memory: a node that fell silent then would lose
 * every lease that it has. What could not be written is written with the next change that can be.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { and, eq, isNull } from 'drizzle-orm';
import { type LeaseReport, LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { NodeDatabase } from '../db/open-database.ts';
import { leases } from '../db/schema.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { type Built, builtOfText, builtToText } from './built.ts';

/** An upload that takes its node down must not do so for ever. */
const MAX_TAKEN_UP = 3;

type ReportEvent = LeaseReport['event'];
type LeaseRow = typeof leases.$inferSelect;

export class Outbox {
  readonly #db: NodeDatabase;
  readonly #edge: string;
  /** By lease; null for one that is to be forgotten. */
  readonly #unwritten = new Map<string, LeaseRow | null>();

  constructor(db: NodeDatabase, edgeUrl: string) {
    this.#db = db;
    this.#edge = edgeUrl;
  }

  /** @throws Error where it cannot be written */
  take(leaseId: string, requestHash: string, now: number): void {
    this.#db
      .insert(leases)
      .values({ id: leaseId, edge: this.#edge, requestHash, takenAt: now })
      .onConflictDoNothing()
      .run();
  }

  /** A report that need not survive: the next one says it better. */
  progress(leaseId: string, event: ReportEvent): LeaseReport {
    const row = this.#find(leaseId);
    const sequence = (row?.sequence ?? 0) + 1;
    if (row) this.#write({ ...row, sequence });
    return create(LeaseReportSchema, { leaseId, sequence: BigInt(sequence), event });
  }

  /** Nothing else was numbered after it: a Foreman that hears of this lease cannot have taken it for an old report. */
  isLatest({ leaseId, sequence }: LeaseReport): boolean {
    const row = this.#find(leaseId);
    return row !== undefined && BigInt(row.sequence) === sequence;
  }

  /** What came out, before it is uploaded. */
  keepBuilt(leaseId: string, built: Built): void {
    const row = this.#find(leaseId);
    if (row) this.#write({ ...row, built: builtToText(built) });
  }

  /** After a start: what the last process was uploading. Null where there is nothing, or it was taken up too often. */
  takeUp(leaseId: string): Built | null {
    const row = this.#find(leaseId);
    if (!row?.built || row.takenUp >= MAX_TAKEN_UP) return null;
    this.#write({ ...row, takenUp: row.takenUp + 1 });
    return builtOfText(row.built);
  }

  /** The last word about a lease; a second one is ignored. */
  finish(leaseId: string, event: ReportEvent): void {
    const known = this.#find(leaseId);
    if (!known || known.finalReport) return;
    const sequence = known.sequence + 1;
    const report = create(LeaseReportSchema, { leaseId, sequence: BigInt(sequence), event });
    this.#write({ ...known, sequence, finalReport: Buffer.from(toBinary(LeaseReportSchema, report)) });
  }

  /** Ends of leases that nobody acknowledged yet. */
  unacknowledged(): LeaseReport[] {
    return this.#db
      .select()
      .from(leases)
      .where(eq(leases.edge, this.#edge))
      .all()
      .flatMap((written) => {
        const unwritten = this.#unwritten.get(written.id);
        const { finalReport } = unwritten === undefined ? written : (unwritten ?? { finalReport: null });
        return finalReport ? [fromBinary(LeaseReportSchema, finalReport)] : [];
      });
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
    this.#unwritten.set(leaseId, null);
    this.#flush();
  }

  #find(leaseId: string): LeaseRow | undefined {
    const unwritten = this.#unwritten.get(leaseId);
    if (unwritten !== undefined) return unwritten ?? undefined;
    return this.#db.select().from(leases).where(eq(leases.id, leaseId)).get();
  }

  #write(row: LeaseRow): void {
    this.#unwritten.set(row.id, row);
    this.#flush();
  }

  #flush(): void {
    try {
      for (const [id, row] of this.#unwritten) {
        if (row) this.#db.update(leases).set(row).where(eq(leases.id, id)).run();
        else this.#db.delete(leases).where(eq(leases.id, id)).run();
        this.#unwritten.delete(id);
      }
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }
}
