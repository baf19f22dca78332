/**
 * What is said where KV fails, to be given to `catch`: a cache that does not answer is a cache without the answer, and one that
 * takes nothing costs a read more the next time. Whoever runs this must hear of it all the same.
 */
import { logError } from '../log.ts';
export const kvTrouble =
  (who: string, what: 'read' | 'written') =>
  (error: unknown): undefined => {
    logError(`${who}: KV cannot be ${what}`, { error });
  };
