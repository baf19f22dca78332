/**
 * Grants to write one object of a lease: name, size and digest are fixed when the grant is given, and it closes for good
 * when the bytes are there. This row is what makes an object write-once; the store itself need not know how.
 */
import { and, eq, sql, sum } from 'drizzle-orm';
import type { StoredFile } from '../../shared/build-record.ts';
import type { Database } from './database.ts';
import { type UploadRow, uploads } from './schema.ts';

export const MAX_FILES_PER_LEASE = 128;

export type GrantAnswer =
  | { readonly ok: true; readonly upload: UploadRow }
  /** `never`: no such files are taken, whoever asks. */
  | { readonly ok: false; readonly reason: string; readonly never?: true };

export class Uploads {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
  }

  find(leaseId: string, name: string): UploadRow | undefined {
    return this.#questions.find.get({ leaseId, name });
  }

  ofLease(leaseId: string): UploadRow[] {
    return this.#questions.ofLease.all({ leaseId });
  }

  /** Asking twice for the same bytes gives the same grant; for other bytes under the same name, none. */
  grant(leaseId: string, file: StoredFile, maxTotalBytes: number): GrantAnswer {
    const known = this.find(leaseId, file.name);
    if (known)
      return known.sha256 === file.sha256 && known.sizeBytes === file.sizeBytes
        ? { ok: true, upload: known }
        : { ok: false, reason: `${file.name} was granted with another size or digest` };
    const totals = this.#db
      .select({ files: sum(uploads.sizeBytes) })
      .from(uploads)
      .where(eq(uploads.leaseId, leaseId))
      .get();
    if (Number(totals?.files ?? 0) + file.sizeBytes > maxTotalBytes)
      return { ok: false, reason: `expected at most ${maxTotalBytes} bytes in all files of a build`, never: true };
    if (this.ofLease(leaseId).length >= MAX_FILES_PER_LEASE)
      return { ok: false, reason: `expected at most ${MAX_FILES_PER_LEASE} files of a build`, never: true };
    const upload = this.#db
      .insert(uploads)
      .values({ leaseId, name: file.name, sizeBytes: file.sizeBytes, sha256: file.sha256, parts: {}, state: 'open' })
      .returning()
      .get();
    return { ok: true, upload };
  }

  /** The first store's id wins, so that parts of two tries never mix. */
  startMultipart(leaseId: string, name: string, multipartId: string): string | null {
    const row = this.find(leaseId, name);
    if (row?.state !== 'open') return null;
    if (row.multipartId !== null) return row.multipartId;
    this.#set(leaseId, name, { multipartId });
    return multipartId;
  }

  addPart(leaseId: string, name: string, part: number, etag: string): void {
    this.#db.transaction(() => {
      const row = this.find(leaseId, name);
      if (row?.state === 'open') this.#set(leaseId, name, { parts: { ...row.parts, [part]: etag } });
    });
  }

  /** No more parts: not every store refuses one for an object that is already being made of the others. */
  close(leaseId: string, name: string): void {
    if (this.find(leaseId, name)?.state === 'open') this.#set(leaseId, name, { state: 'closing' });
  }

  /** Bytes were not what was promised: the parts are forgotten and may be sent again. */
  restart(leaseId: string, name: string): void {
    const row = this.find(leaseId, name);
    if (row && row.state !== 'complete') this.#set(leaseId, name, { state: 'open', multipartId: null, parts: {} });
  }

  complete(leaseId: string, name: string): void {
    this.#set(leaseId, name, { state: 'complete' });
  }

  #set(leaseId: string, name: string, fields: Partial<UploadRow>): void {
    this.#db
      .update(uploads)
      .set(fields)
      .where(and(eq(uploads.leaseId, leaseId), eq(uploads.name, name)))
      .run();
  }
}

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => ({
  find: db
    .select()
    .from(uploads)
    .where(and(eq(uploads.leaseId, sql.placeholder('leaseId')), eq(uploads.name, sql.placeholder('name'))))
    .prepare(),
  ofLease: db
    .select()
    .from(uploads)
    .where(eq(uploads.leaseId, sql.placeholder('leaseId')))
    .prepare(),
});
