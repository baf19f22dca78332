/** A button that copies a text shown beside it. */
import type { RefObject, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { MESSAGES } from './messages.ts';

const { copy: texts } = MESSAGES;

const TOLD_MS = 3_000;

interface Props {
  readonly text: string;
  /** For who cannot see what it stands beside. */
  readonly what: string;
  /** Where the text is shown. */
  readonly shown: RefObject<HTMLElement | null>;
}

export function Copy({ text, what, shown }: Props): VNode {
  const [said, setSaid] = useState('');
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    clearTimeout(timer.current);
    try {
      await navigator.clipboard.writeText(text);
      setSaid(texts.copied);
      timer.current = window.setTimeout(() => setSaid(''), TOLD_MS);
    } catch {
      // Not given to pages without TLS, as those of a home network are.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      setSaid(texts.selected);
    }
  };
  return (
    <>
      <button type="button" class="small" aria-label={texts.copyThis(what)} onClick={() => void copy()}>
        {texts.copy}
      </button>
      <span class="quiet small said" role="status">
        {said}
      </span>
    </>
  );
}
