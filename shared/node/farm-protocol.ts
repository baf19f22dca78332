/**
 * Which nodes and edges understand each other. Both are updated by different people at different times, so each version speaks
 * with the one before it; whoever is older is told so in a sentence, instead of failing in the middle of a build.
 *
 * 1: the first. 2: a node says how many slots and which ImageBuilders it has. 3: it signs a statement of what it built.
 */
export const FARM_PROTOCOL = 3;

/** The oldest that the other side may speak. */
const OLDEST = FARM_PROTOCOL - 1;

/** Of RequestUploads and CompleteUploads: a Worker may ask its store so often within one request. */
export const MAX_FILES_PER_CALL = 32;

const STATEMENTS_SINCE = 3;

/** What is said to an operator whose node is too old; null where it is not. `spoken`: 0 from those that did not say it yet. */
export const whyTooOld = (spoken: number, oldest = OLDEST): string | null =>
  Math.max(spoken, 1) >= oldest
    ? null
    : `this node speaks version ${Math.max(spoken, 1)} of the farm's protocol, and this edge needs ${oldest} or later: update the node`;

/**
 * May a result come without a signed statement? From trusted nodes as long as those of a time before statements are spoken with,
 * which ends by itself with the next version. Never from volunteers: nothing but their signature binds them to what they say.
 */
export const mayLackStatement = (tier: 'trusted' | 'volunteer', oldest = OLDEST): boolean =>
  tier === 'trusted' && oldest < STATEMENTS_SINCE;
