/**
 * What chance draws in tests is the same in each run: a change is not refused for what an earlier one would have met as well.
 * FUZZ_SEED=… draws something else; of what it found fast-check says the seed and the path. Tests have fast-check from here.
 */
import fc from 'fast-check';

const environment = (globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string>> } }).process
  ?.env;

export const FUZZ_SEED = Number(environment?.FUZZ_SEED ?? 20_261_101);
if (!Number.isInteger(FUZZ_SEED)) throw new Error(`FUZZ_SEED: expected a whole number, got ${environment?.FUZZ_SEED}`);

fc.configureGlobal({ seed: FUZZ_SEED });

export { fc };
