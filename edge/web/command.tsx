/** Something to be typed elsewhere: text that can be selected, and a button that copies it. */
import './command.css';
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { Copy } from './copy.tsx';

interface Props {
  readonly text: string;
  /** Absent: its own text, of what is a line. */
  readonly what?: string;
}

export function Command({ text, what = text }: Props): VNode {
  const code = useRef<HTMLElement>(null);
  return (
    <div class="command">
      <code ref={code}>{text}</code>
      <Copy text={text} what={what} shown={code} />
    </div>
  );
}
