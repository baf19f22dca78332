/** The last public images that were built, as lists show them. With an end, as the list of failures has one. */
import { desc, lte } from 'drizzle-orm';
import type { ListedImage, NumberedImage } from '../../statistics/listed-image.ts';
import type { Database } from '../database.ts';
import { latestImages } from '../schema.ts';

export class LatestImages {
  readonly #db: Database;
  readonly #max: number;

  constructor(db: Database, max: number) {
    this.#db = db;
    this.#max = max;
  }

  add(image: ListedImage): void {
    const { sequence } = this.#db.insert(latestImages).values({ image }).returning().get();
    this.#db
      .delete(latestImages)
      .where(lte(latestImages.sequence, sequence - this.#max))
      .run();
  }

  /** Newest first. */
  all(): NumberedImage[] {
    return this.#db
      .select()
      .from(latestImages)
      .orderBy(desc(latestImages.sequence))
      .all()
      .map(({ sequence, image }) => ({ ...image, sequence }));
  }
}
