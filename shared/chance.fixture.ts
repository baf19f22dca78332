/**
 * What chance draws in tests is the same in each run: a change is not refused for what an earlier one would have met as well.
 * `FUZZ_SEED=… npm test` draws something else (vitest.config.ts provides it); of what it found fast-check says the seed and
 * the path. Tests have fast-check from here.
 */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    fuzzSeed: number;
  }
}

export const FUZZ_SEED: number = inject('fuzzSeed');

fc.configureGlobal({ seed: FUZZ_SEED });

export { fc };
