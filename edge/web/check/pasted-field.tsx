/** Room for something pasted, and under it at once whether it was understood. */
import type { RefObject, VNode } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onValue: (text: string) => void;
  /** What was read; null: nothing. */
  readonly said: string | null;
  readonly fault: string | null;
  readonly field: RefObject<HTMLTextAreaElement | null>;
}

export function PastedField({ label, value, onValue, said, fault, field }: Props): VNode {
  const id = useId();
  return (
    <div class="pasted">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        ref={field}
        rows={8}
        value={value}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        wrap="off"
        aria-invalid={fault !== null}
        aria-describedby={`${id}-said`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <p id={`${id}-said`} class={fault === null ? 'said' : 'said fault'} role="status">
        {fault ?? said}
      </p>
    </div>
  );
}
