/** What could not be built lately, and why: text of logs and of requests, shown as text. */
import type { VNode } from 'preact';
import type { SeedLatestFailures } from '../../../shared/api/seed-data-answers.ts';
import { moment } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { type Column, LongTable } from './long-table.tsx';

const { failures: texts } = MESSAGES.status;

/** What the server says in the place of a name that would tell who asked. */
const RARE = '(rare)';

type Failure = SeedLatestFailures[number];

const COLUMNS: readonly Column<Failure>[] = [
  {
    title: texts.what,
    cell: ({ profile, target, version }) => (
      <>
        {profile === RARE ? texts.rare : <span class="mono">{profile}</span>}{' '}
        <span class="quiet small">
          {target}, {version}
        </span>
      </>
    ),
  },
  { title: texts.why, isProse: true, cell: ({ error }) => error },
  {
    title: texts.when,
    cell: ({ request_date }) => <time dateTime={request_date}>{moment(request_date)}</time>,
  },
];

const textOf = ({ profile, target, version, error }: Failure): string => `${profile} ${target} ${version} ${error}`;

export function Failures({ failures }: { readonly failures: SeedLatestFailures }): VNode {
  if (failures.length === 0) return <p class="empty">{texts.none}</p>;
  return (
    <LongTable
      caption={texts.title}
      searchLabel={texts.search}
      columns={COLUMNS}
      rows={failures}
      textOf={textOf}
      step={5}
    />
  );
}
