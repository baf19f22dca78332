/** The last good copy of each document in the Catalogue's SQLite, with what it was made from and who still asks for it. */
import { and, eq, gt, sql } from 'drizzle-orm';
import { type DrizzleSqliteDODatabase, drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import type { CatalogueDocument } from '../../shared/upstream/catalogue-document.ts';
import { completed } from './completed.ts';
import type { DocumentId } from './document-id.ts';
import init from './migrations/0001_init.sql';
import type { FileRecord } from './reading.ts';
import * as schema from './schema.ts';
import { documentParts, documents } from './schema.ts';

export const MIGRATIONS = {
  journal: { entries: [{ idx: 1, when: 1795500000000, tag: '0001_init', breakpoints: true }] },
  migrations: { m0001: init },
};

/** UTF-16 units; even if each were three bytes it fits below SQLite's 2 MB. */
const PART_LENGTH = 600_000;

export interface StoredDocument {
  readonly document: CatalogueDocument;
  readonly recipe: string;
  readonly files: readonly FileRecord[];
  readonly askedAt: number;
  readonly writtenAt: number;
}

export class DocumentStore {
  readonly #db: DrizzleSqliteDODatabase<typeof schema>;

  private constructor(db: DrizzleSqliteDODatabase<typeof schema>) {
    this.#db = db;
  }

  /** Call under `blockConcurrencyWhile`: nothing may read a half-migrated table. */
  static async open(storage: DurableObjectStorage): Promise<DocumentStore> {
    const db = drizzle(storage, { schema });
    await migrate(db, MIGRATIONS);
    return new DocumentStore(db);
  }

  get(key: string): StoredDocument | null {
    const row = this.#db.select().from(documents).where(eq(documents.key, key)).get();
    if (!row) return null;
    const parts = this.#db
      .select({ text: documentParts.text })
      .from(documentParts)
      .where(eq(documentParts.key, key))
      .orderBy(documentParts.part)
      .all();
    const document = JSON.parse(parts.map((part) => part.text).join('')) as CatalogueDocument;
    // The row's time, since the text is not written anew when a check finds it unchanged.
    return { ...row, document: { ...completed(document), checkedAt: row.checkedAt } };
  }

  put(key: string, upstream: string, id: DocumentId, stored: StoredDocument): void {
    const json = JSON.stringify(stored.document);
    const row = {
      key,
      upstream,
      id,
      recipe: stored.recipe,
      files: stored.files,
      checkedAt: stored.document.checkedAt,
      askedAt: stored.askedAt,
      writtenAt: stored.writtenAt,
    };
    this.#db.transaction((tx) => {
      tx.insert(documents).values(row).onConflictDoUpdate({ target: documents.key, set: row }).run();
      tx.delete(documentParts).where(eq(documentParts.key, key)).run();
      for (let part = 0; part * PART_LENGTH < json.length; part++)
        tx.insert(documentParts)
          .values({ key, part, text: json.slice(part * PART_LENGTH, (part + 1) * PART_LENGTH) })
          .run();
    });
  }

  /** Only the times that are given move. */
  update(key: string, times: { checkedAt?: number; askedAt?: number; writtenAt?: number }): void {
    this.#db.update(documents).set(times).where(eq(documents.key, key)).run();
  }

  delete(key: string): void {
    this.#db.transaction((tx) => {
      tx.delete(documents).where(eq(documents.key, key)).run();
      tx.delete(documentParts).where(eq(documentParts.key, key)).run();
    });
  }

  /** Documents of this upstream that somebody asked for since then, the list of versions first. */
  askedSince(upstream: string, since: number): readonly DocumentId[] {
    return this.#db
      .select({ id: documents.id })
      .from(documents)
      .where(and(eq(documents.upstream, upstream), gt(documents.askedAt, since)))
      .orderBy(sql`json_extract(${documents.id}, '$.kind') = 'versions' desc`, documents.key)
      .all()
      .map((row) => row.id);
  }
}
