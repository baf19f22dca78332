/**
 * Text as a program printed it, or as one is to be typed. A field that only reads: it is reached and scrolled by keyboard everywhere,
 * its text is marked as one, and nothing in it can be anything but text.
 */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly text: string;
  /** Shows its end, and what comes, until the reader scrolls away from it. */
  readonly isFollowed?: boolean;
}

const MOST_ROWS = 18;
const NEAR_PX = 40;

export function Output({ label, text, isFollowed = false }: Props): VNode {
  const box = useRef<HTMLTextAreaElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isFollowed && box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  });
  return (
    <textarea
      ref={box}
      class="output"
      readOnly
      spellcheck={false}
      aria-label={label}
      rows={Math.min(MOST_ROWS, text.split('\n').length)}
      value={text}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      }}
    />
  );
}
