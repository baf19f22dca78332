import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { MESSAGES } from '../messages.ts';
import { Output } from './output.tsx';

const text = MESSAGES.builder.build;

/** What make prints, for who wants to look on. Nobody is read it aloud, and megabytes that nobody looks at need no layout. */
export function BuildLog({ log }: { readonly log: string }): VNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>{text.log}</summary>
      {isOpen && (log === '' ? <p class="quiet">{text.noLog}</p> : <Output label={text.log} text={log} isFollowed />)}
    </details>
  );
}
