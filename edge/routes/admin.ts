/**
 * The admin API: tokens for machines that want to join, the list of nodes and what is done to them, builds that are stopped. Its
 * answers are kept by nobody: one of them is a secret, and the others are looked at in order to be acted upon.
 */
import { Hono } from 'hono';
import type { z } from 'zod';
import {
  type AdminNode,
  type AdminNodes,
  type CancelledBuild,
  callableNodeSchema,
  type JoinTokenAnswer,
  nodeActionSchema,
  tokenRequestSchema,
} from '../../shared/api/admin-answers.ts';
import { invalidRequest, refuseField } from '../../shared/build/build-error.ts';
import { bytesToHex, isSha256Hex } from '../../shared/crypto/digest.ts';
import { signJoinToken } from '../../shared/node/node-identity.ts';
import { isNodeAction, NODE_ACTIONS } from '../../shared/node/node-state.ts';
import { parseJson } from '../builds/wish.ts';
import { edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import type { ActedOnNode } from '../foreman/foreman-answers.ts';
import type { ListedNode } from '../foreman/nodes/node-lists.ts';
import { forAdmins } from '../http/admin-auth.ts';
import { jsonAnswer, methodNotAllowed, notFound, problem, titleOf } from '../http/answer.ts';
import { readText } from '../http/read-body.ts';
import { nodeAt } from '../nodes/call-node.ts';

const MAX_BODY_BYTES = 4096;
/** They stand where an id or an action stands: a path of its own for such a word is none that the router takes (router.ts). */
const CALLABLE = 'callable';
const REMOVE_ADDRESS = 'remove-address';

export const adminRoutes = new Hono<{ Bindings: Env }>()
  .use('/api/v1/admin/*', forAdmins)
  .post('/api/v1/admin/tokens', async (c) => {
    const { keys } = await edgeContext(c.env);
    const { operator, tier, expires_seconds } = await bodyOf(c.req.raw, tokenRequestSchema);
    const expiresAt = Date.now() + expires_seconds * 1000;
    const id = bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
    const token = await signJoinToken(keys.signing, { id, operator, tier, expiresAt });
    const answer: JoinTokenAnswer = { token, operator, tier, expires_at: timeOf(expiresAt) };
    return jsonAnswer(200, answer);
  })
  .all('/api/v1/admin/tokens', () => methodNotAllowed('POST, OPTIONS'))
  .get('/api/v1/admin/nodes', async (c) => {
    const after = c.req.query('after') ?? '';
    if (after !== '' && !isSha256Hex(after)) refuseField('after', 'expected 64 hex digits');
    const { nodes, next } = await foremanOf(c.env).listNodes(after);
    const answer: AdminNodes = { nodes: nodes.map(told), next };
    return jsonAnswer(200, answer);
  })
  .all('/api/v1/admin/nodes', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .post('/api/v1/admin/nodes/:name', async (c) => {
    if (c.req.param('name') !== CALLABLE) return c.notFound();
    const { url } = await bodyOf(c.req.raw, callableNodeSchema);
    const found = await nodeAt(url);
    if (!found.ok) return problem(409, titleOf(409), `${url} cannot be added: ${found.reason}`);
    const acted = await foremanOf(c.env).setAddress(found.nodeId, url);
    if (!acted.ok && acted.why === 'unknown')
      return notFound(`the node at ${url} (${found.nodeId.slice(0, 12)}) has not joined this farm`);
    return answerOf(acted);
  })
  .all('/api/v1/admin/nodes/:name', (c) =>
    c.req.param('name') === CALLABLE ? methodNotAllowed('POST, OPTIONS') : c.notFound(),
  )
  .post('/api/v1/admin/nodes/:id/:action', async (c) => {
    const { id, action } = c.req.param();
    if (action !== REMOVE_ADDRESS && !isNodeAction(action))
      return notFound(`no such action, expected one of ${NODE_ACTIONS.join(', ')}`);
    if (!isSha256Hex(id)) return notFound('there is no such node');
    if (action === REMOVE_ADDRESS) return answerOf(await foremanOf(c.env).setAddress(id, ''));
    const { reason } = await bodyOf(c.req.raw, nodeActionSchema);
    return answerOf(await foremanOf(c.env).actOnNode(id, action, reason));
  })
  .all('/api/v1/admin/nodes/:id/:action', () => methodNotAllowed('POST, OPTIONS'))
  .post('/api/v1/admin/builds/:hash/cancel', async (c) => {
    const { hash } = c.req.param();
    if (!isSha256Hex(hash) || !(await foremanOf(c.env).cancel(hash)))
      return notFound('no such build waits or is under way');
    const answer: CancelledBuild = { request_hash: hash, state: 'cancelled' };
    return jsonAnswer(200, answer);
  })
  .all('/api/v1/admin/builds/:hash/cancel', () => methodNotAllowed('POST, OPTIONS'));

function answerOf(acted: ActedOnNode): Response {
  if (acted.ok) return jsonAnswer(200, told(acted.node));
  return acted.why === 'unknown' ? notFound(acted.reason) : problem(409, titleOf(409), acted.reason);
}

/** An empty body is an empty object. @throws BuildError `invalid_request`, naming every field that is wrong */
async function bodyOf<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(parseJson((await readText(request, MAX_BODY_BYTES)) || '{}'));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({
    path: path.join('.'),
    message: message.slice(0, 200),
  }));
  throw invalidRequest(errors);
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

const told = (node: ListedNode): AdminNode => ({
  id: node.id,
  name: node.name,
  operator: node.operator,
  tier: node.tier,
  state: node.state,
  reason: node.stateReason,
  since: timeOf(node.stateSince),
  by: node.stateBy,
  software_version: node.softwareVersion,
  slots: node.slots,
  running: node.running,
  image_builders: node.held,
  right: node.right,
  images: node.images,
  wrong: node.wrong,
  lost: node.lost,
  faults_in_a_row: node.faultsInARow,
  address: node.address,
  call_fault: node.callFault,
  joined_at: timeOf(node.joinedAt),
  last_seen_at: timeOf(node.lastSeenAt),
});
