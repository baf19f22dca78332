/** The route that tells which targets are reproducible. */
import type { Operation } from './operation.ts';

export const REPRODUCIBILITY_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/api/v1/reproducibility'],
    id: 'getReproducibility',
    tag: 'statistics',
    summary: 'Targets that come out the same wherever they are built',
    answers: { 200: { text: 'What was measured of each.', shapes: ['Reproducibility'] } },
    errors: ['too_many_requests'],
  },
];
