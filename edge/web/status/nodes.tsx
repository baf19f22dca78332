/** The machines that build. Their names are their owners' words. */
import type { VNode } from 'preact';
import type { NodeList } from '../../../shared/api/nodes-answers.ts';
import { number } from '../format.ts';
import { follow } from '../location.ts';
import { MESSAGES } from '../messages.ts';
import { type Column, LongTable } from './long-table.tsx';

const { nodes: texts } = MESSAGES.status;

type Node = NodeList['nodes'][number];
type Shown = keyof typeof texts.states;

function stateOf({ present, state, running }: Node): Shown {
  if (state === 'quarantined') return 'quarantined';
  if (!present) return 'away';
  if (state === 'draining') return 'draining';
  return running > 0 ? 'building' : 'ready';
}

/** Who does something comes first; the server has them by name, and so they stay. */
const ORDER: readonly Shown[] = ['building', 'ready', 'draining', 'quarantined', 'away'];
const rankOf = (node: Node): number => ORDER.indexOf(stateOf(node));

const COLUMNS: readonly Column<Node>[] = [
  {
    title: texts.name,
    cell: ({ name, tier }) => (
      <>
        {name} <span class="quiet small">{texts.tiers[tier]}</span>
      </>
    ),
  },
  {
    title: texts.state,
    cell: (node) => (
      <span class={`state ${stateOf(node)}`}>
        <span class="dot" aria-hidden="true" />
        {texts.states[stateOf(node)]}
      </span>
    ),
  },
  {
    title: texts.load,
    isNumber: true,
    cell: ({ running, slots }) => texts.loadOf(number(running), number(slots)),
  },
  { title: texts.images, isNumber: true, cell: ({ images }) => number(images) },
];

const textOf = (node: Node): string => `${node.name} ${texts.tiers[node.tier]} ${texts.states[stateOf(node)]}`;

export function Nodes({ list: { nodes } }: { readonly list: NodeList }): VNode {
  if (nodes.length === 0)
    return (
      <div class="empty">
        <p>{texts.none}</p>
        <a href="/lend" onClick={follow}>
          {texts.lend}
        </a>
      </div>
    );
  return (
    <LongTable
      caption={texts.title}
      searchLabel={texts.search}
      columns={COLUMNS}
      rows={nodes.toSorted((a, b) => rankOf(a) - rankOf(b))}
      textOf={textOf}
    />
  );
}
