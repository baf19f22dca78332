/**
 * How long a test waits for what is done in the background. Vitest's own second tells a machine that others use too from one
 * that is idle; who waits longer than this waits for what never comes.
 */
export const EVENTUALLY = { timeout: 30_000 } as const;
