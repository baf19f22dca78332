/** Single numbers that the Foreman keeps under a name: how far something went, or when it was done last. */
import { eq } from 'drizzle-orm';
import type { Database } from './database.ts';
import { meta } from './schema.ts';

/** Undefined as long as it was never set. */
export const metaValue = (db: Database, name: string): number | undefined =>
  db.select().from(meta).where(eq(meta.name, name)).get()?.value;

export function setMeta(db: Database, name: string, value: number): void {
  db.insert(meta).values({ name, value }).onConflictDoUpdate({ target: meta.name, set: { value } }).run();
}
