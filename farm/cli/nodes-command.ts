/** `asu nodes`: who builds for an edge, and what its operators do about it. */
import { z } from 'zod';
import { judgeNodeAddress, MAX_NODE_ADDRESS } from '../../shared/node/node-address.ts';
import { isNodeAction, NODE_ACTIONS } from '../../shared/node/node-state.ts';
import { printable, printableJson } from '../../shared/text/printable.ts';
import {
  ADMIN_FLAGS,
  ADMIN_HELP,
  ADMIN_STATUSES,
  AdminClient,
  AdminRefused,
  askingAdmins,
  EdgeUnreachable,
} from './admin-client.ts';
import type { Command } from './command.ts';
import { tellDuration } from './duration.ts';
import { parseWords, UsageError } from './flags.ts';
import { tableText } from './terminal.ts';

const HELP = `Who builds for an edge.

  asu nodes [--json]
  asu nodes drain ID [--reason TEXT]        it gets no new builds and finishes what it has; undrain ID ends that
  asu nodes quarantine ID [--reason TEXT]   its builds go elsewhere, and nothing it says is believed; release ID ends that
  asu nodes revoke ID [--reason TEXT]       the same, and it is refused altogether, for good
  asu nodes add https://HOST[:PORT]         builds are brought to the node that listens there, which must have joined
  asu nodes remove-address ID               no more: it gets builds by asking, as every node does

  ID                      its id, or the beginning of it, at least 8 digits
  --reason TEXT           told to whoever runs the node
  --json                  the list, or the node, as data
${ADMIN_HELP}
  --help                  this text

A node that fails three different builds in a row, of which none is known to fail on others as well, is drained by itself; the list says so.
${ADMIN_STATUSES}`;

const FLAGS = {
  ...ADMIN_FLAGS,
  reason: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** All else is shown as it comes, from an edge of whatever age. */
const nodeSchema = z.looseObject({ id: z.string(), name: z.string() });
type ToldNode = z.output<typeof nodeSchema>;
const nodesSchema = z.looseObject({ nodes: z.array(nodeSchema), next: z.string().nullish() });

const SHORT_ID = 12;
/** Verbs that are nothing an operator of the node is told. */
const NO_REASON = ['list', 'add', 'remove-address'] as const;
const isOneOf = (words: readonly string[], word: string): boolean => words.includes(word);
/** More pages than this is no farm, but an edge that never comes to an end. */
const MAX_PAGES = 100;

export const nodesCommand: Command = async (args, context) => {
  const { values, words } = parseWords(args, FLAGS);
  const { out } = context.terminal;
  if (values.help) {
    out.write(`${HELP}\n`);
    return 0;
  }
  const [verb = 'list', ...rest] = words;
  const [word = '', ...more] = rest;
  const reason = values.reason as string | undefined;
  const tell = (data: unknown, text: () => string) => void out.write(values.json ? `${printableJson(data)}\n` : text());
  if (reason !== undefined && isOneOf(NO_REASON, verb))
    throw new UsageError(`${verb} takes no --reason; --help says what it takes`);
  if (verb === 'list') {
    if (rest.length > 0) throw new UsageError(`list takes no words, got ${JSON.stringify(word)}`);
    const client = await AdminClient.open(values, context);
    return askingAdmins(context, async () => {
      const nodes = await allNodes(client);
      tell(nodes, () => (nodes.length === 0 ? 'no node has joined yet: asu token create lets one\n' : table(nodes)));
    });
  }
  if (verb === 'add') {
    const judged = judgeNodeAddress(word);
    if (!judged.ok || more.length > 0)
      throw new UsageError(
        `add: ${judged.ok ? 'expected one address' : judged.reason}, got ${JSON.stringify(rest.join(' '))}`,
      );
    const client = await AdminClient.open(values, context);
    return askingAdmins(context, async () => {
      const node = await client.post('nodes/callable', { url: judged.address }, nodeSchema);
      tell(node, () => `${named(node)} is called at ${judged.address}: builds are brought to it\n`);
    });
  }
  if (verb !== 'remove-address' && !isNodeAction(verb))
    throw new UsageError(
      `expected ${[...NO_REASON, ...NODE_ACTIONS].join(', ')}, got ${JSON.stringify(verb)}; --help says what they do`,
    );
  if (!/^[0-9a-f]{8,64}$/.test(word) || more.length > 0)
    throw new UsageError(
      `${verb}: expected the id of one node, at least 8 of its hex digits, got ${JSON.stringify(rest.join(' '))}`,
    );
  const client = await AdminClient.open(values, context);
  return askingAdmins(context, async () => {
    const id = theOne(await allNodes(client), word);
    const node = await client.post(
      `nodes/${id}/${verb}`,
      isNodeAction(verb) ? { reason: reason ?? '' } : {},
      nodeSchema,
    );
    tell(node, () =>
      isNodeAction(verb)
        ? `${named(node)} is ${stateOf(node)}; it runs ${shown(node.running)}\n`
        : `${named(node)} is called no more: it gets builds by asking\n`,
    );
  });
};

async function allNodes(client: AdminClient): Promise<ToldNode[]> {
  const nodes: ToldNode[] = [];
  let path = 'nodes';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { nodes: some, next } = await client.get(path, nodesSchema);
    nodes.push(...some);
    if (typeof next !== 'string') return nodes;
    path = `nodes?after=${encodeURIComponent(next)}`;
  }
  // A part of the list could make the beginning of an id look like one node's.
  throw new EdgeUnreachable(`${client.edgeUrl} has no end to its list of nodes: is it an edge?`);
}

/** @throws AdminRefused where it is none, or more than one */
function theOne(nodes: readonly ToldNode[], beginning: string): string {
  const found = nodes.filter(({ id }) => id.startsWith(beginning));
  const [one] = found;
  if (!one) throw new AdminRefused(`no node has an id that begins with ${beginning}`);
  if (found.length > 1)
    throw new AdminRefused(
      `${found.length} nodes have an id that begins with ${beginning}: ${found
        .slice(0, 5)
        .map(({ id, name }) => `${shown(id, SHORT_ID + 8)} (${shown(name)})`)
        .join(', ')}`,
    );
  if (!/^[0-9a-f]{64}$/.test(one.id)) throw new AdminRefused('the edge lists an id that is none');
  return one.id;
}

/** What an edge wrote, made fit for a terminal. */
const shown = (value: unknown, maxLength = 64): string => printable(String(value), 1000).slice(0, maxLength);

const named = ({ id, name }: ToldNode): string => `${shown(id, SHORT_ID)} ${shown(name)}`;

/** Also of an edge that knows of no addresses yet. */
const addressOf = ({ address, call_fault: fault }: ToldNode): string =>
  `${shown(address || '-', MAX_NODE_ADDRESS)}${fault ? ` (${shown(fault, 200)})` : ''}`;

const stateOf = ({ state, by, reason }: ToldNode): string =>
  `${shown(state)}${by === 'foreman' && state === 'draining' ? ' by itself' : ''}${reason ? ` (${shown(reason, 300)})` : ''}`;

const HEADING = [
  'ID',
  'NAME',
  'TIER',
  'OPERATOR',
  'SLOTS',
  'RUNNING',
  'BUILDERS',
  'SEEN',
  'RIGHT',
  'WRONG',
  'LOST',
  'CALLED AT',
  'STATE',
];

const table = (nodes: readonly ToldNode[]): string =>
  tableText([
    HEADING,
    ...nodes.map((node) => [
      shown(node.id, SHORT_ID),
      shown(node.name),
      shown(node.tier),
      shown(node.operator),
      shown(node.slots),
      shown(node.running),
      shown(node.image_builders),
      `${tellDuration((Date.now() - Date.parse(String(node.last_seen_at))) / 1000)} ago`,
      shown(node.right),
      shown(node.wrong),
      shown(node.lost),
      addressOf(node),
      stateOf(node),
    ]),
  ]);
