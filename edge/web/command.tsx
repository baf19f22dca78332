/** Something to be typed elsewhere: text that can be selected, and a button that copies it. */
import './command.css';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { MESSAGES } from './messages.ts';

const { command: texts } = MESSAGES;

export function Command({ text }: { readonly text: string }): VNode {
  const [said, setSaid] = useState('');
  const code = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(texts.copied);
    } catch {
      // Not given to pages without TLS, as those of a home network are.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setSaid(texts.selected);
    }
  };
  return (
    <div class="command">
      <code ref={code}>{text}</code>
      <button type="button" aria-label={texts.copyThis(text)} onClick={copy}>
        {texts.copy}
      </button>
      <span class="quiet small" role="status">
        {said}
      </span>
    </div>
  );
}
