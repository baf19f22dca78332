/**
 * Grants to write one object of a lease: name, size and digest are fixed when the grant is given, and it closes for good
 * when the bytes are there. This row is what makes an object write-once; the store itself need not know how. Why what is complete
 * was hashed, though several callers may be at a file in parts at once: see edge/uploads/upload-in-parts.ts.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { StoredFile } from '../../../shared/build/build-record.ts';
import type { Database } from '../database.ts';
import { type UploadRow, uploads } from '../schema.ts';

const MAX_FILES_PER_LEASE = 128;

export type GrantAnswer =
  | { readonly ok: true; readonly upload: UploadRow }
  /** `never`: no such files are taken, whoever asks. */
  | { readonly ok: false; readonly reason: string; readonly never?: true };

export type GrantsAnswer =
  /** In the order of the files that were asked for. */
  { readonly ok: true; readonly uploads: readonly UploadRow[] } | Extract<GrantAnswer, { readonly ok: false }>;

/** A file of one PUT, as its node says it was granted, and whether the store has just those bytes. */
export interface SentFile extends StoredFile {
  readonly isStored: boolean;
}

export type CompletionAnswer =
  /** `lost`: names of those that are granted and not there. */
  { readonly ok: true; readonly lost: readonly string[] } | { readonly ok: false; readonly reason: string };

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

  /** Asking twice for the same bytes gives the same grant; for other bytes under the same name, none. All files, or none. */
  grant(leaseId: string, files: readonly StoredFile[], maxTotalBytes: number): GrantsAnswer {
    const known = this.#byName(leaseId);
    const other = files.find((file) => isOther(known.get(file.name), file));
    if (other) return { ok: false, reason: `${other.name} was granted with another size or digest` };
    const fresh = files.filter(({ name }) => !known.has(name));
    const bytes = [...known.values(), ...fresh].reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    if (fresh.length > 0 && bytes > maxTotalBytes)
      return { ok: false, reason: `expected at most ${maxTotalBytes} bytes in all files of a build`, never: true };
    if (known.size + fresh.length > MAX_FILES_PER_LEASE)
      return { ok: false, reason: `expected at most ${MAX_FILES_PER_LEASE} files of a build`, never: true };
    this.#db.transaction(() => {
      for (const { name, sizeBytes, sha256 } of fresh)
        known.set(name, this.#questions.open.get({ leaseId, name, sizeBytes, sha256 }));
    });
    return { ok: true, uploads: files.flatMap(({ name }) => known.get(name) ?? []) };
  }

  /** The first store's id wins, so that parts of two tries never mix. */
  startMultipart(leaseId: string, name: string, multipartId: string): string | null {
    const row = this.find(leaseId, name);
    if (row?.state !== 'open') return null;
    if (row.multipartId !== null) return row.multipartId;
    this.#set(leaseId, name, { multipartId });
    return multipartId;
  }

  /** False where no more parts are taken, or none of this id: it was begun for a try that is over. */
  addPart(leaseId: string, name: string, multipartId: string, part: number, etag: string): boolean {
    const row = this.#of(leaseId, name, multipartId);
    if (row?.state !== 'open') return false;
    this.#set(leaseId, name, { parts: { ...row.parts, [part]: etag } });
    return true;
  }

  /**
   * No more parts: not every store refuses one for an object that is already being made of the others. Returns those that it is
   * made of, as often as it is asked; null where it is not being made of this id's.
   */
  close(leaseId: string, name: string, multipartId: string): UploadRow['parts'] | null {
    const row = this.#of(leaseId, name, multipartId);
    if (row === undefined || row.state === 'complete') return null;
    if (row.state === 'open') this.#set(leaseId, name, { state: 'closing' });
    return row.parts;
  }

  /** Bytes were not what was promised: this id's parts are forgotten and may be sent again, under another one. */
  restart(leaseId: string, name: string, multipartId: string): void {
    if (this.#of(leaseId, name, multipartId)?.state === 'closing')
      this.#set(leaseId, name, { state: 'open', multipartId: null, parts: {} });
  }

  /** Is it complete now? Of one in parts only what was closed and hashed under this very id; null for one PUT. */
  complete(leaseId: string, name: string, multipartId: string | null): boolean {
    const row = this.find(leaseId, name);
    if (row === undefined || row.state === 'complete') return row !== undefined;
    if (row.multipartId !== multipartId || (multipartId !== null && row.state !== 'closing')) return false;
    this.#questions.complete.run({ leaseId, name });
    return true;
  }

  /** Of files of one PUT each: what is stored is complete, unless one of them is not granted like this. */
  completeSent(leaseId: string, files: readonly SentFile[]): CompletionAnswer {
    const known = this.#byName(leaseId);
    for (const file of files) {
      const row = known.get(file.name);
      if (!row) return { ok: false, reason: `${file.name} was not granted` };
      if (isOther(row, file)) return { ok: false, reason: `${file.name} was granted with another size or digest` };
      if (row.multipartId !== null) return { ok: false, reason: `${file.name} is an upload in parts` };
    }
    const open = files.filter(({ name }) => known.get(name)?.state !== 'complete');
    this.#db.transaction(() => {
      for (const { name, isStored } of open) if (isStored) this.#questions.complete.run({ leaseId, name });
    });
    return { ok: true, lost: open.filter(({ isStored }) => !isStored).map(({ name }) => name) };
  }

  /** As long as its upload in parts is this one. */
  #of(leaseId: string, name: string, multipartId: string): UploadRow | undefined {
    const row = this.find(leaseId, name);
    return row?.multipartId === multipartId ? row : undefined;
  }

  #byName(leaseId: string): Map<string, UploadRow> {
    return new Map(this.ofLease(leaseId).map((row) => [row.name, row]));
  }

  #set(leaseId: string, name: string, fields: Partial<UploadRow>): void {
    this.#db
      .update(uploads)
      .set(fields)
      .where(and(eq(uploads.leaseId, leaseId), eq(uploads.name, name)))
      .run();
  }
}

const isOther = (row: UploadRow | undefined, file: StoredFile): boolean =>
  row !== undefined && (row.sha256 !== file.sha256 || row.sizeBytes !== file.sizeBytes);

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
  open: db
    .insert(uploads)
    .values({
      leaseId: sql.placeholder('leaseId'),
      name: sql.placeholder('name'),
      sizeBytes: sql.placeholder('sizeBytes'),
      sha256: sql.placeholder('sha256'),
      parts: {},
      state: 'open',
    })
    .returning()
    .prepare(),
  complete: db
    .update(uploads)
    .set({ state: 'complete' })
    .where(and(eq(uploads.leaseId, sql.placeholder('leaseId')), eq(uploads.name, sql.placeholder('name'))))
    .prepare(),
});
