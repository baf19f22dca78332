/** The server is away, or not as it should be: said once, with what happens next. */
import type { VNode } from 'preact';
import type { AskError } from '../api/ask.ts';
import { MESSAGES } from '../messages.ts';

interface Props {
  readonly error: AskError;
  /** Absent: it is asked without a button. */
  readonly onAsk?: () => void;
  readonly isFinal?: boolean;
}

export function Away({ error, onAsk, isFinal = false }: Props): VNode {
  return (
    <div class="warning" role="alert">
      <p>
        {error.message}
        {!isFinal && error.status !== 0 && ` ${MESSAGES.builder.again}`}
      </p>
      {onAsk && (
        <button type="button" onClick={onAsk}>
          {MESSAGES.builder.askNow}
        </button>
      )}
    </div>
  );
}
