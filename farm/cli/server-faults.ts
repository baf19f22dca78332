/**
 * How commands that ask a server end when it does not go well: one status for each thing that a script may want to do about it,
 * and a sentence for whoever reads.
 */
import { BadAnswer, LocalFault, NotNow, RequestRefused } from '../client/faults.ts';

/** Beside 0, and 2 for wrong words. */
const EXIT_LOCAL = 1;
export const EXIT_REFUSED = 3;
const EXIT_NOT_NOW = 4;
const EXIT_NOT_AS_PROMISED = 5;

/** For --help of each of them. */
export const SERVER_STATUSES = `  1  this machine is at fault: no room, or no right to write
  2  the words are wrong
  3  the server said no, or the build failed: the same words would end alike
  4  the server cannot be reached, or cannot do it now: try again later
  5  what came is not what was promised: a wrong digest or signature, or no answer of such a server`;

export interface ToldFault {
  readonly status: number;
  readonly lines: readonly string[];
}

/** Null for what nobody expected. */
export function toldFault(error: unknown): ToldFault | null {
  if (error instanceof RequestRefused)
    return { status: error.isServersFault ? EXIT_NOT_NOW : EXIT_REFUSED, lines: [...error.log, error.message] };
  if (error instanceof NotNow) return { status: EXIT_NOT_NOW, lines: [`gave up: ${error.message}`] };
  if (error instanceof BadAnswer) return { status: EXIT_NOT_AS_PROMISED, lines: [error.message] };
  if (error instanceof LocalFault) return { status: EXIT_LOCAL, lines: [error.message] };
  return null;
}
