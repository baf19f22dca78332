/**
 * Whose turn it is. Each client's builds stand one turn behind each other, and a client that comes anew stands one behind the
 * turn that is on: so whoever asks for a thousand images takes one place in each round, as everybody else, and nobody has to
 * keep a list of rounds. (Start-time fair queueing, where every build costs the same.)
 */

/** `now`: the turn that was given out last; `last`: of this client's newest build, absent for one that is new. */
export const nextTurn = (now: number, last: number | undefined): number => Math.max(now, last ?? 0) + 1;

/**
 * From this turn on stands what nobody has asked for yet: behind every client, whatever comes. No client's turn ever gets there,
 * and the migration that made room for prebuilds names the same number.
 */
export const PREBUILD_TURN = 2 ** 40;

/** Nobody has asked for it yet. */
export const isPrebuild = ({ turn }: { readonly turn: number }): boolean => turn >= PREBUILD_TURN;
