/**
 * Whose a bucket is, as `foreman.json` in it says. Two edges that write into one bucket would overwrite each other's records and logs
 * under the very names that clients trust to be for ever; so one holds it, and another one that finds that out takes nothing on.
 */
import { z } from 'zod';

export const HOLDER_KEY = 'foreman.json';

const holderSchema = z.strictObject({
  format: z.literal(1),
  /** Of the Foreman, made with its tables. */
  id: z.string().regex(/^[0-9a-f]{13}$/),
  /** Milliseconds since 1970. */
  since: z.int().min(0),
  /** Its public URL; for people, and empty where it has none. */
  name: z.string().max(2048),
});

export type BucketHolder = Readonly<z.output<typeof holderSchema>>;

/** Null for what no edge wrote. */
export function readHolder(text: string): BucketHolder | null {
  try {
    const read = holderSchema.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

/** May this one have it, where the other one has it now? `takesOver`: the id that the operator named, or nothing. */
export const mayHave = (holder: BucketHolder, id: string, takesOver: string): 'has it' | 'takes it' | 'no' => {
  if (holder.id === id) return 'has it';
  return takesOver === holder.id ? 'takes it' : 'no';
};

/** For operators, in /healthz and in the log. */
export function belongsToAnother({ id, since, name }: BucketHolder): string {
  const who = name === '' ? id : `${id} (${name})`;
  return `the bucket belongs to another edge, ${who}, since ${new Date(since).toISOString()}; give this one a bucket or a STORE_PREFIX of its own, or, where the other one is gone for good, set TAKES_OVER=${id}`;
}
