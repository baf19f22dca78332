/** Uploads in parts that this node has begun in the store, by key: an id that is lost is space that is lost. */
import { eq } from 'drizzle-orm';
import type { NodeDatabase } from '../db/open-database.ts';
import { begunUploads } from '../db/schema.ts';
import { isDiskFull } from '../disk/disk-full.ts';

export class BegunUploads {
  readonly #db: NodeDatabase;

  constructor(db: NodeDatabase) {
    this.#db = db;
  }

  find(key: string): string | null {
    return this.#db.select().from(begunUploads).where(eq(begunUploads.key, key)).get()?.uploadId ?? null;
  }

  note(key: string, uploadId: string): string {
    this.#db.insert(begunUploads).values({ key, uploadId }).run();
    return uploadId;
  }

  keys(): string[] {
    return this.#db
      .select()
      .from(begunUploads)
      .all()
      .map(({ key }) => key);
  }

  /** On a full disk it is remembered a while longer: that the store has no such upload any more is understood. */
  forget(key: string): void {
    try {
      this.#db.delete(begunUploads).where(eq(begunUploads.key, key)).run();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }
}
