/** What is wrong with a field, beside it; the field names it by `aria-describedby`. */
import type { VNode } from 'preact';

export function FieldError({ id, error }: { readonly id: string; readonly error: string | null }): VNode | null {
  if (error === null) return null;
  return (
    <p class="field-error" id={`${id}-error`}>
      {error}
    </p>
  );
}
