/**
 * Who else may come for work, as of one question for it. A question is held against hundreds of builds, and for each of them all that
 * are here may matter: what is the same for all builds is looked up once, and only if it matters.
 */
import { drawPatienceMs } from '../../../shared/trust/draw-operator.ts';
import type { ForemanState } from '../foreman-state.ts';
import { WHOM } from '../schema.ts';
import type { Voice } from './voices.ts';

/** Undecided builds with its word, after which an operator leaves new ones to others. */
const MANY_UNDECIDED = 16;

export class WhoIsHere {
  readonly #state: ForemanState;
  readonly #now: () => number;
  readonly #begunMany = new Map<string, boolean>();
  readonly #busy = new Map<string, boolean>();
  readonly #beginners: Voice[] = [];
  /** Voices of which it is known whether they are beginners. */
  #asked = 0;
  #voices: readonly Voice[] | undefined;
  #couldComeSince: number | undefined;

  constructor(state: ForemanState, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  voices(): readonly Voice[] {
    this.#voices ??= this.#state.operators.here(this.#now());
    return this.#voices;
  }

  /** Who begins a build is not drawn; but whoever is always the first, since it builds nothing, would have begun them all. */
  hasBegunMany(operator: string): boolean {
    return known(this.#begunMany, operator, () => this.#state.operators.hasUndecided(operator, MANY_UNDECIDED));
  }

  /** Who would begin a build now. As far as they are asked for: of a large farm the first ones are enough. */
  *beginners(): Generator<Voice> {
    const voices = this.voices();
    for (let at = 0; ; at += 1) {
      for (let next = voices[this.#asked]; next && at >= this.#beginners.length; next = voices[this.#asked]) {
        this.#asked += 1;
        if (this.#mayBegin(next)) this.#beginners.push(next);
      }
      const beginner = this.#beginners[at];
      if (!beginner) return;
      yield beginner;
    }
  }

  /** Since when everybody could come who wanted. */
  couldComeSince(): number {
    this.#couldComeSince ??= this.#state.queue.polls.since();
    return this.#couldComeSince;
  }

  /** How long those are waited for of whom one is drawn. */
  patienceMs(): number {
    return drawPatienceMs(this.#state.farmSize.pace(this.#now(), WHOM.another).typicalMs);
  }

  /** A trusted node that is at something comes for a build when it is done, and that may be long. */
  #mayBegin({ id, operator, tier }: Voice): boolean {
    return tier === 'trusted' ? !this.#isBusy(id) : !this.hasBegunMany(operator);
  }

  #isBusy(nodeId: string): boolean {
    const { leases, nodes } = this.#state;
    return known(this.#busy, nodeId, () => leases.activeOf(nodeId) >= (nodes.byId(nodeId)?.slots ?? 0));
  }
}

function known(answers: Map<string, boolean>, key: string, ask: () => boolean): boolean {
  const answer = answers.get(key) ?? ask();
  answers.set(key, answer);
  return answer;
}
