/** The route that tells who builds. */
import type { Operation } from './operation.ts';

export const NODES_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/api/v1/nodes'],
    id: 'getNodes',
    tag: 'statistics',
    summary: 'The machines that build',
    answers: { 200: { text: 'What they are called, and how much they do.', shapes: ['NodeList'] } },
    errors: ['too_many_requests'],
  },
];
