import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { MESSAGES } from '../messages.ts';

const text = MESSAGES.builder.result;

const TOLD_MS = 3_000;

interface Props {
  readonly value: string;
  /** For who cannot see what it stands beside. */
  readonly what: string;
}

/** Where a browser gives no clipboard (a server without TLS), the text can be marked by hand: then there is no button. */
export function CopyButton({ value, what }: Props): VNode | null {
  const [isCopied, setCopied] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (!navigator.clipboard) return null;
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setCopied(false), TOLD_MS);
  };
  return (
    <>
      <button type="button" class="small" aria-label={text.copyOf(what)} onClick={() => void copy().catch(() => {})}>
        {isCopied ? text.copied : text.copy}
      </button>
      <span class="hidden" role="status">
        {isCopied ? text.copied : ''}
      </span>
    </>
  );
}
