/** What a request of a hot route may cost others. A hit that asked them more would measure something else than the edge. */
import type { Case } from './cases.ts';
import type { Counters } from './counters.ts';

/** Reads of KV a request, whatever for: above this it is not the edge's memory that is measured. */
const MAX_KV_SHARE = 0.5;
/** Of a finished build, by its name or by what was asked. */
const MAX_RESULT_SHARE = 1;
/** That a request needs: versions, a target, an architecture. Once a minute each is read again by all who come just then. */
const DOCUMENTS = 3;

/** What was broken, in words; empty: nothing. */
export function brokenLimits(
  { name, maxForemanShare }: Pick<Case, 'name' | 'maxForemanShare'>,
  counts: Counters,
  {
    requests,
    rounds,
    connections,
  }: { readonly requests: number; readonly rounds: number; readonly connections: number },
): string[] {
  const limits = [
    ['reads of results', counts.resultReads, MAX_RESULT_SHARE],
    ['reads of the catalogue', counts.catalogueReads, (DOCUMENTS * rounds * connections) / requests],
    ['reads of KV', counts.kvReads, MAX_KV_SHARE],
    ['calls to the Foreman', counts.foremanCalls, maxForemanShare],
  ] as const;
  return limits
    .filter(([, count, share]) => count > share * requests)
    .map(
      ([what, count, share]) => `${name}: expected at most ${share} ${what} a request, got ${count} for ${requests}`,
    );
}
