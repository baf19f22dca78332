/** A POST that was answered about an image, by a word for what became of it and the name that the client gives itself. */
import type { BuildAnswer } from '../builds/find-build.ts';
import { clientName } from './client-name.ts';
import type { CountDesk } from './count-desk.ts';
import type { Outcome } from './counted.ts';

/** `client`: what its request says; null where that says nothing. Not for private builds. */
export function countAnswer(
  counts: CountDesk,
  outcome: Outcome | null,
  answer: BuildAnswer,
  client: string | null,
  request: Request,
): void {
  const name = clientName(client, client === null ? request.headers.get('user-agent') : null);
  counts.answered(outcome ?? 'fault', name, answer.state === 'built' ? answer.built.record : undefined);
}
