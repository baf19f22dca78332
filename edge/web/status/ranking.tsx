/** What is asked for most: a table whose numbers are also bars, so that one may look or read. */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { number } from '../format.ts';
import { type Column, LongTable } from './long-table.tsx';

export interface Ranked {
  readonly name: string;
  readonly count: number;
}

interface Props<Row extends Ranked> {
  readonly title: string;
  readonly nameTitle: string;
  readonly countTitle: string;
  readonly searchLabel: string;
  readonly rows: readonly Row[];
  readonly more?: readonly Column<Row>[];
}

const AT_FIRST = 10;

export function Ranking<Row extends Ranked>(props: Props<Row>): VNode {
  const { title, nameTitle, countTitle, searchLabel, rows, more = [] } = props;
  const most = rows.reduce((max, { count }) => Math.max(max, count), 1);
  const columns = useMemo<readonly Column<Row>[]>(
    () => [
      { title: nameTitle, cell: ({ name, count }) => <Barred name={name} share={count / most} /> },
      { title: countTitle, isNumber: true, cell: ({ count }) => number(count) },
      ...more,
    ],
    [nameTitle, countTitle, most, more],
  );
  return (
    <LongTable
      caption={title}
      searchLabel={searchLabel}
      columns={columns}
      rows={rows}
      textOf={nameOf}
      step={AT_FIRST}
    />
  );
}

const nameOf = ({ name }: Ranked): string => name;

/** The bar says what the number beside it says. */
function Barred({ name, share }: { readonly name: string; readonly share: number }): VNode {
  return (
    <>
      <span class="mono">{name}</span>
      <svg class="bar" aria-hidden="true" focusable="false">
        <rect width={`${(share * 100).toFixed(1)}%`} height="100%" rx="2" />
      </svg>
    </>
  );
}
