/**
 * A field that finds what is typed: the combobox of the ARIA practices. Focus stays in the field; arrows, Home, End and the page keys
 * walk the list, Enter takes, Escape closes and then empties. How much was found is said, since a list cannot be heard.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { FieldError } from './field-error.tsx';
import type { Found } from './search.ts';

interface Props<Row> {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly error?: string | null;
  /** What stands in the field while nobody types. */
  readonly shown: string;
  readonly find: (typed: string) => Found<Row>;
  readonly keyOf: (row: Row) => string;
  readonly row: (row: Row) => ComponentChildren;
  readonly counted: (found: number, shown: number) => string;
  readonly onPick: (row: Row) => void;
  /** For fields that take what is typed as well, in a list or not. */
  readonly onTyped?: (typed: string) => void;
  readonly isBusy?: boolean;
}

const PAGE = 8;

export function Combobox<Row>(props: Props<Row>): VNode {
  const { id, label, hint, placeholder, error = null, shown, find, keyOf, onTyped, isBusy = false } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const list = useRef<HTMLDivElement>(null);
  const found: Found<Row> = isOpen ? find(typed ?? '') : { rows: [], total: 0 };
  const last = found.rows.length - 1;
  const at = Math.min(active, last);

  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const close = (): void => {
    setOpen(false);
    setActive(-1);
  };
  const open = (place: number): void => {
    setOpen(true);
    setActive(place);
  };
  const pick = (row: Row): void => {
    props.onPick(row);
    setTyped(null);
    close();
  };
  const enter = (): void => {
    const row = found.rows[found.total === 1 && !onTyped ? 0 : at];
    if (row !== undefined) pick(row);
    else if (!onTyped || typed === null || typed.trim() === '') setActive(0);
    else {
      onTyped(typed);
      setTyped(null);
      close();
    }
  };

  const isUsed = isOpen || typed !== null;
  const isWalking = isOpen && at >= 0;
  const keys: Readonly<Record<string, false | (() => void)>> = {
    ArrowDown: () => (isOpen ? setActive(at >= last ? 0 : at + 1) : open(0)),
    ArrowUp: () => (isOpen ? setActive(at <= 0 ? last : at - 1) : open(0)),
    PageDown: isWalking && (() => setActive(Math.min(last, at + PAGE))),
    PageUp: isWalking && (() => setActive(Math.max(0, at - PAGE))),
    // Without a place in the list they are the cursor's, as in any field.
    Home: isWalking && (() => setActive(0)),
    End: isWalking && (() => setActive(last)),
    // It never sends the form: who presses it once too often has not asked for a build.
    Enter: isUsed ? enter : () => open(-1),
    Escape: isUsed && (() => (isOpen ? close() : setTyped(null))),
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = !event.isComposing && Object.hasOwn(keys, event.key) && keys[event.key];
    if (!step) return;
    event.preventDefault();
    step();
  };

  return (
    <div class="combobox">
      <label for={id}>{label}</label>
      {hint && (
        <p class="quiet small" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <input
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={2000}
        aria-expanded={isOpen && last >= 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        aria-invalid={error !== null}
        aria-busy={isBusy}
        aria-describedby={
          [hint && `${id}-hint`, error !== null && `${id}-error`].filter(Boolean).join(' ') || undefined
        }
        placeholder={placeholder}
        value={typed ?? shown}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          open(-1);
        }}
        onFocus={(event) => event.currentTarget.select()}
        onClick={() => open(at)}
        onBlur={close}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} ref={list} role="listbox" tabIndex={-1} aria-label={label} hidden={!isOpen || last < 0}>
        {found.rows.map((row, index) => (
          <button
            key={keyOf(row)}
            id={`${id}-${index}`}
            type="button"
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            // Else the field would lose the focus, and the list its reader, before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(row)}
          >
            {props.row(row)}
          </button>
        ))}
      </div>
      <p class={isOpen && found.total === 0 ? 'quiet small' : 'hidden'} role="status">
        {isOpen ? props.counted(found.total, found.rows.length) : ''}
      </p>
      <FieldError id={id} error={error} />
    </div>
  );
}
