/** Where strangers may build: targets of which images come out equal, and those of which they do not. */
import type { VNode } from 'preact';
import type { ReproducibilityAnswer } from '../../../shared/api/reproducibility-answers.ts';
import { number } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { type Column, LongTable } from './long-table.tsx';

const { reproducibility: texts } = MESSAGES.status;

type Target = ReproducibilityAnswer['targets'][number];

function verdictOf({ reproducible, unexplained }: Target): 'known' | 'differs' | 'notKnown' {
  if (reproducible) return 'known';
  return unexplained > 0 ? 'differs' : 'notKnown';
}

const COLUMNS: readonly Column<Target>[] = [
  { title: texts.target, cell: ({ target }) => <span class="mono">{target}</span> },
  { title: texts.version, cell: ({ branch }) => branch },
  {
    title: texts.verdict,
    cell: (row) => (
      <span class={`state ${verdictOf(row)}`}>
        <span class="dot" aria-hidden="true" />
        {texts[verdictOf(row)]}
      </span>
    ),
  },
  { title: texts.agreed, isNumber: true, cell: ({ agreed }) => number(agreed) },
  { title: texts.differed, isNumber: true, cell: ({ unexplained, explained }) => number(unexplained + explained) },
];

const textOf = (row: Target): string => `${row.target} ${row.branch} ${texts[verdictOf(row)]}`;

export function Reproducibility({ answer: { targets } }: { readonly answer: ReproducibilityAnswer }): VNode {
  if (targets.length === 0) return <p class="empty">{texts.none}</p>;
  const known = targets.filter(({ reproducible }) => reproducible).length;
  return (
    <>
      <p>{texts.summary(number(known), number(targets.length))}</p>
      <LongTable
        caption={texts.title}
        searchLabel={texts.search}
        columns={COLUMNS}
        rows={targets}
        textOf={textOf}
        step={10}
      />
    </>
  );
}
