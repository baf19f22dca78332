/** The routes of those who run the farm. Where the server has no `ADMIN_KEY` they are not there. */
import { z } from 'zod';
import type { BuildErrorKind } from '../build/build-error.ts';
import type { Answer, Operation } from './operation.ts';

const REFUSALS: Readonly<Record<number, Answer>> = {
  401: { text: 'No key, or another one.', shapes: ['Problem'] },
};
const OF_POSTS: readonly BuildErrorKind[] = ['invalid_request', 'body_too_large', 'too_many_requests'];

export const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    paths: ['/api/v1/admin/tokens'],
    id: 'createJoinToken',
    tag: 'admin',
    summary: 'Let a machine join',
    needsKey: true,
    body: {
      shape: 'JoinTokenRequest',
      examples: { volunteer: { operator: 'alice', tier: 'volunteer', expires_seconds: 604_800 } },
    },
    answers: { 200: { text: 'A token.', shapes: ['JoinToken'] }, ...REFUSALS },
    errors: OF_POSTS,
  },
  {
    method: 'get',
    paths: ['/api/v1/admin/nodes'],
    id: 'listNodes',
    tag: 'admin',
    summary: 'All nodes, with all that is known of them',
    needsKey: true,
    query: {
      after: {
        schema: z.string().regex(/^[0-9a-f]{64}$/),
        text: '`next` of the page before.',
      },
    },
    answers: { 200: { text: 'At most a thousand.', shapes: ['AdminNodes'] }, ...REFUSALS },
    errors: ['invalid_request', 'too_many_requests'],
  },
  {
    method: 'post',
    paths: ['/api/v1/admin/nodes/{node_id}/{action}'],
    id: 'actOnNode',
    tag: 'admin',
    summary: 'Set a node aside, or let it build again',
    text: `* \`drain\`: it gets no new builds and finishes what it has. \`undrain\` ends that.
* \`quarantine\`: its builds go elsewhere, and neither what it said of undecided builds nor what it says from now on counts. \`release\` ends that.
* \`revoke\`: the same, and it is refused altogether, for good.`,
    needsKey: true,
    body: { shape: 'NodeAction', isOptional: true, examples: { drain: { reason: 'its disk is being replaced' } } },
    answers: {
      200: { text: 'The node as it is now.', shapes: ['AdminNode'] },
      ...REFUSALS,
      404: { text: 'There is no such node.', shapes: ['Problem'] },
      409: { text: 'Not in the state that it is in.', shapes: ['Problem'] },
    },
    errors: OF_POSTS,
  },
  {
    method: 'post',
    paths: ['/api/v1/admin/nodes/callable'],
    id: 'addCallableNode',
    tag: 'admin',
    summary: 'Bring orders to a node that can be reached',
    text: 'It must have joined, and listen there (`--listen`, behind a proxy with TLS): it is asked who it is before anything is kept. From then on builds that come are brought to it. Where that fails it is left alone for a while and gets builds by asking, as every node does.',
    needsKey: true,
    body: { shape: 'CallableNode', examples: { https: { url: 'https://node.example' } } },
    answers: {
      200: { text: 'The node that answers there.', shapes: ['AdminNode'] },
      ...REFUSALS,
      404: { text: 'The node that answers there has not joined this farm.', shapes: ['Problem'] },
      409: { text: 'What answers there is no node, or one that was revoked; or nothing does.', shapes: ['Problem'] },
    },
    errors: OF_POSTS,
  },
  {
    method: 'post',
    paths: ['/api/v1/admin/nodes/{node_id}/remove-address'],
    id: 'removeNodeAddress',
    tag: 'admin',
    summary: 'Bring a node no more orders',
    text: 'It gets builds by asking, as every node does. What it has it finishes.',
    needsKey: true,
    answers: {
      200: { text: 'The node as it is now.', shapes: ['AdminNode'] },
      ...REFUSALS,
      404: { text: 'There is no such node.', shapes: ['Problem'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'post',
    paths: ['/api/v1/admin/builds/{request_hash}/cancel'],
    id: 'cancelBuild',
    tag: 'admin',
    summary: 'Stop a build that waits or is under way',
    text: 'Its node is told with its next report. The build counts as no failure, and whoever asks for it again begins anew.',
    needsKey: true,
    answers: {
      200: { text: 'It is stopped.', shapes: ['CancelledBuild'] },
      ...REFUSALS,
      404: { text: 'No such build waits or is under way; one that is decided cannot be stopped.', shapes: ['Problem'] },
    },
    errors: ['too_many_requests'],
  },
];
