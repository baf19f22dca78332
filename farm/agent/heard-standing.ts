/**
 * What the edge says about this node as a whole. A machine that gets no builds looks like one that has nothing to do; whoever
 * runs it shall read why, once at once and then ever rarer, and that it is over. The node goes on asking, and so comes back.
 */
import { type LeaseResponse, NodeStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { printable } from '../../shared/text/printable.ts';
import { isWorthSayingAgain } from './ever-rarer.ts';

const MAX_REASON = 300;

/** An edge may be newer than we are, and know more ways to have no builds for us. */
const WHAT_THEN: ReadonlyMap<NodeStanding, string> = new Map([
  [NodeStanding.DRAINING, 'it is draining: what it has it finishes'],
  [NodeStanding.QUARANTINED, 'it is quarantined: its builds went elsewhere, and nothing it says is believed'],
]);

export class HeardStanding {
  readonly #log: (line: string) => void;
  #standing: NodeStanding = NodeStanding.ACTIVE;
  #reason = '';
  #times = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** What was heard last, for the next question. */
  get known(): NodeStanding {
    return this.#standing;
  }

  hear({ standing, standingReason }: Pick<LeaseResponse, 'standing' | 'standingReason'>): void {
    // An edge that does not say it knows of no other.
    const heard = standing === NodeStanding.UNSPECIFIED ? NodeStanding.ACTIVE : standing;
    const isNews = heard !== this.#standing || standingReason !== this.#reason;
    [this.#standing, this.#reason] = [heard, standingReason];
    this.#times = isNews ? 1 : this.#times + 1;
    if (heard === NodeStanding.ACTIVE) {
      if (isNews) this.#log('the edge gives this node builds again');
    } else if (isWorthSayingAgain(this.#times)) this.#log(this.#sentence());
  }

  #sentence(): string {
    const what = WHAT_THEN.get(this.#standing) ?? 'it was set aside';
    const why = this.#reason === '' ? '' : `. The reason: ${printable(this.#reason, MAX_REASON)}`;
    return `this node gets no new builds, for ${what}${why}. It goes on by itself when the operator of the edge lets it`;
  }
}
