/**
 * Whose turn it is. Each client's builds stand one turn behind each other, and a client that comes anew stands one behind the
 * turn that is on: so whoever asks for a thousand images takes one place in each round, as everybody else, and nobody has to
 * keep a list of rounds. (Start-time fair queueing, where every build costs the same.)
 */

/** `now`: the turn that was given out last; `last`: of this client's newest build, absent for one that is new. */
export const nextTurn = (now: number, last: number | undefined): number => Math.max(now, last ?? 0) + 1;
