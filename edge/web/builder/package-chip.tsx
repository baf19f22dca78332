import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';
import type { PackageNote } from './package-notes.ts';

const text = MESSAGES.builder.packages;

interface Props {
  readonly word: string;
  readonly note: PackageNote;
  readonly onDrop: () => void;
  readonly onUse: (name: string) => void;
}

/** A package that the reader named, and what is known of it. */
export function PackageChip({ word, note, onDrop, onUse }: Props): VNode {
  const said = noteText(note);
  const isTrouble = note.kind === 'unknown' || note.kind === 'malformed' || note.kind === 'gone';
  return (
    <li class={isTrouble ? 'chip trouble' : 'chip'}>
      <span class="said">
        <code>{word}</code>
        {note.kind === 'none' && note.version !== '' && <span class="quiet small">{note.version}</span>}
        {said !== null && <span class="small">{said}</span>}
        {note.kind === 'renamed' && (
          <button type="button" class="use" onClick={() => onUse(note.to)}>
            {text.use(note.to)}
          </button>
        )}
      </span>
      <button type="button" aria-label={text.remove(word)} onClick={onDrop}>
        ×
      </button>
    </li>
  );
}

function noteText(note: PackageNote): string | null {
  if (note.kind === 'none' || note.kind === 'unsure' || note.kind === 'included') return null;
  return note.kind === 'renamed' ? text.note.renamed(note.to) : text.note[note.kind];
}
