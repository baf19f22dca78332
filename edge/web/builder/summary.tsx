/** What will be built, in a few lines, and the button; beside the fields where there is room, below them on a phone. */
import type { VNode } from 'preact';
import { type Choice, isRemoval } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { Away } from './away.tsx';
import { FailureText } from './failure.tsx';
import type { KnownDevice } from './use-device.ts';
import type { Request } from './use-request.ts';

const text = MESSAGES.builder.summary;

interface Props {
  readonly version: string;
  readonly device: KnownDevice;
  readonly choice: Choice;
  readonly request: Request;
}

export function Summary({ version, device, choice, request }: Props): VNode {
  const removed = choice.packages.filter(isRemoval).length;
  const { isAsking, away, problem, forget } = request;
  return (
    <section class="card summary" aria-labelledby="summary-title">
      <h2 id="summary-title">{text.title}</h2>
      <dl>
        <dt>{text.device}</dt>
        <dd>{device.name ?? <span class="quiet">{text.noDevice}</span>}</dd>
        <dt>{text.version}</dt>
        <dd>{version}</dd>
        <dt>{text.packages}</dt>
        <dd>{text.changes(choice.packages.length - removed, removed)}</dd>
      </dl>
      {problem && (
        <div class="error" role="alert">
          <h3>{text.refused}</h3>
          <FailureText kind={problem.error_kind} detail={problem.detail} />
        </div>
      )}
      {away && <Away error={away} />}
      <button type="submit" class="main" aria-disabled={isAsking}>
        {isAsking ? text.asking : text.build}
      </button>
      {isAsking && (
        <button type="button" class="stop" onClick={forget}>
          {text.stop}
        </button>
      )}
    </section>
  );
}
