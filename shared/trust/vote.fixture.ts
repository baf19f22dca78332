/** Votes as tests tell them: of a volunteer that built the good image, unless a test says something else. */
import type { BuildErrorKind } from '../build/build-error.ts';
import type { Vote } from './quorum.ts';

export const vote = (operator: string, fields: Partial<Vote> = {}): Vote => ({
  leaseId: `lease of ${operator}`,
  operator,
  network: `network of ${operator}`,
  tier: 'volunteer',
  isProven: false,
  inputs: 'i',
  verdict: { outcome: 'image', digest: 'good' },
  ...fields,
});

export const says = (digest: string) => ({ verdict: { outcome: 'image', digest } }) as const;
export const fails = (kind: BuildErrorKind) => ({ verdict: { outcome: 'failure', kind } }) as const;
export const trusted = { tier: 'trusted' } as const;
