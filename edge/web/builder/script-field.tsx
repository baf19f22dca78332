import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';
import { FieldError } from './field-error.tsx';
import { byteLength } from './figures.ts';

const text = MESSAGES.builder.options;

interface Props {
  readonly most: number;
  readonly script: string;
  readonly onScript: (script: string) => void;
  readonly error: string | null;
}

/** It may hold passwords: it is in no address and in no storage of the browser. */
export function ScriptField({ most, script, onScript, error }: Props): VNode {
  const bytes = byteLength(script);
  const tooLong = bytes > most ? text.scriptTooLong(bytes, most) : null;
  return (
    <div class="field">
      <label for="script">{text.script}</label>
      <p class="quiet small" id="script-hint">
        {text.scriptHint}
      </p>
      <textarea
        id="script"
        rows={8}
        spellcheck={false}
        autocomplete="off"
        value={script}
        aria-invalid={error !== null || tooLong !== null}
        aria-describedby={`script-hint script-bytes${(error ?? tooLong) === null ? '' : ' script-error'}`}
        onInput={(event) => onScript(event.currentTarget.value)}
      />
      <p class="quiet small counter" id="script-bytes">
        {text.scriptBytes(bytes, most)}
      </p>
      <FieldError id="script" error={error ?? tooLong} />
    </div>
  );
}
