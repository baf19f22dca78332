/** First of all: does it work, and if not, what of it? */
import type { VNode } from 'preact';
import type { Health } from '../../../shared/api/health-answer.ts';
import { number } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { Answered } from './section.tsx';
import type { Watched } from './use-watched.ts';

const { health } = MESSAGES.status;

const KINDS = { up: 'success', degraded: 'warning', down: 'error' } as const;

export function HealthBanner({ asked }: { readonly asked: Watched<Health> }): VNode {
  return <Answered asked={asked}>{(answer) => <Told health={answer} />}</Answered>;
}

function Told({ health: { detail, parts } }: { readonly health: Health }): VNode {
  return (
    <div class={`banner ${KINDS[detail]}`}>
      <p class="verdict">
        <Sign isGood={detail === 'up'} />
        {health[detail]}
      </p>
      <p>{sentence(detail, parts)}</p>
      <details>
        <summary>{health.parts}</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{health.part}</th>
              <th scope="col">{health.state}</th>
            </tr>
          </thead>
          <tbody>
            {(Object.keys(health.names) as (keyof typeof health.names)[]).map((name) => (
              <tr key={name}>
                <th scope="row">{health.names[name]}</th>
                <td>{stateOf(parts, name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}

function sentence(detail: Health['detail'], { nodes }: Health['parts']): string {
  if (detail === 'up') return health.upText;
  if (detail === 'down') return health.downText;
  return nodes.up ? health.noUpstream : health.noNodes;
}

function stateOf(parts: Health['parts'], name: keyof Health['parts']): string {
  const part = parts[name];
  const state = part.up ? health.partUp : health.partDown;
  if ('present' in part) return `${state} (${health.machines(number(part.present))})`;
  return part.reason === undefined ? state : `${state}: ${part.reason}`;
}

/** Beside the words, for whoever only glances. */
function Sign({ isGood }: { readonly isGood: boolean }): VNode {
  return (
    <svg class="sign" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <circle cx="10" cy="10" r="9" />
      <path d={isGood ? 'M5.5 10.5l3 3 6-7' : 'M10 5v6.5M10 14.2v.8'} />
    </svg>
  );
}
