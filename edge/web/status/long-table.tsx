/** A table that may have thousands of rows: some of them at first, a field to find one, and more on demand. */
import type { ComponentChildren, VNode } from 'preact';
import { useId, useMemo, useState } from 'preact/hooks';
import { number } from '../format.ts';
import { MESSAGES } from '../messages.ts';

const { status } = MESSAGES;
const STEP = 50;
/** Fewer are found by looking. */
const MIN_TO_SEARCH = 12;

export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  /** Sentences, which need room. */
  readonly isProse?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface Props<Row> {
  readonly caption: string;
  readonly searchLabel: string;
  /** The first one names its row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** What a search looks at. */
  readonly textOf: (row: Row) => string;
  /** At first, and so many more each time. */
  readonly step?: number;
}

export function LongTable<Row>({ caption, searchLabel, columns, rows, textOf, step = STEP }: Props<Row>): VNode {
  const [words, setWords] = useState('');
  const [room, setRoom] = useState(step);
  const field = useId();
  const found = useMemo(() => search(rows, textOf, words), [rows, textOf, words]);
  const left = found.length - room;
  return (
    <>
      {rows.length >= MIN_TO_SEARCH && (
        <div class="find">
          <label for={field}>{searchLabel}</label>
          <input
            id={field}
            type="search"
            autocomplete="off"
            spellcheck={false}
            value={words}
            onInput={(event) => {
              setWords(event.currentTarget.value);
              setRoom(step);
            }}
          />
          <span class="quiet small" role="status">
            {words.trim() !== '' && status.found(number(found.length), number(rows.length))}
          </span>
        </div>
      )}
      {found.length === 0 ? (
        <p class="quiet">{status.none}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: on a phone it scrolls, and a keyboard must be able to
        <section class="scroll" aria-label={caption} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {columns.map(({ title, isNumber }) => (
                  <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, room).map((row, at) => (
                <tr key={at}>
                  {columns.map(({ title, isNumber, isProse, cell }, index) =>
                    index === 0 ? (
                      <th key={title} scope="row">
                        {cell(row)}
                      </th>
                    ) : (
                      <td key={title} class={isNumber ? 'number' : isProse ? 'prose' : undefined}>
                        {cell(row)}
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {left > 0 && (
        <button type="button" onClick={() => setRoom(room + step)}>
          {status.more(number(left))}
        </button>
      )}
    </>
  );
}

function search<Row>(rows: readonly Row[], textOf: (row: Row) => string, words: string): readonly Row[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const text = textOf(row).toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
