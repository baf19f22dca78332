/** Asks for an image, and tells what became of it: an address to go to, or what has to be changed, beside the field that it is about. */
import type { Problem } from '../../../shared/api/problem.ts';
import { AskError, ask } from '../api/ask.ts';
import { pause } from '../api/pause.ts';
import { isPassing } from '../api/use-asked.ts';
import type { Choice } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { isBuildAnswer, problemOf } from './follow-build.ts';

export const FIELDS = ['version', 'device', 'packages', 'rootfs', 'script'] as const;
export type Field = (typeof FIELDS)[number];
export type FieldErrors = Readonly<Partial<Record<Field, string>>>;

export type Requested =
  | { readonly state: 'accepted'; readonly hash: string }
  | { readonly state: 'refused'; readonly problem: Problem; readonly errors: FieldErrors };

export interface Wish {
  readonly version: string;
  readonly choice: Choice;
  readonly script: string;
}

const CLIENT = 'asu-page/1';

const requestOf = ({ version, choice, script }: Wish) => ({
  version,
  target: choice.device?.target,
  profile: choice.device?.profile,
  packages: choice.packages,
  ...(choice.fileSystem && { filesystem: choice.fileSystem }),
  ...(choice.rootfsMb !== '' && { rootfs_size_mb: Number(choice.rootfsMb) }),
  ...(script !== '' && { defaults: script }),
  client: CLIENT,
});

/**
 * A server that is away, or that has too much to do, is asked again until it answers: to ask twice for one image makes one.
 * @throws the signal's reason
 */
export async function requestBuild(
  wish: Wish,
  onAway: (error: AskError) => void,
  signal: AbortSignal,
): Promise<Requested> {
  for (let failures = 0; ; failures += 1) {
    try {
      const { body } = await ask<unknown>('/api/v1/build', {
        body: requestOf(wish),
        accepted: [500],
        signal,
      });
      if (isBuildAnswer(body)) return { state: 'accepted', hash: body.request_hash };
      return refused(problemOf(body));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof AskError)) throw error;
      if (!isPassing(error)) {
        const { status, problem, message } = error;
        return refused(problem ?? { status, title: '', detail: message });
      }
      onAway(error);
      await pause(failures, signal);
    }
  }
}

const refused = (problem: Problem): Requested => ({ state: 'refused', problem, errors: errorsOf(problem) });

const OF_REQUEST: Readonly<Record<string, Field>> = {
  version: 'version',
  target: 'device',
  profile: 'device',
  packages: 'packages',
  rootfs_size_mb: 'rootfs',
  defaults: 'script',
};

/** Of failures that were certain before anything was built. */
const OF_KIND: Readonly<Record<string, Field>> = {
  unknown_package: 'packages',
  conflict: 'packages',
};

function errorsOf({ errors = [], error_kind: kind, detail }: Problem): FieldErrors {
  const byField: Partial<Record<Field, string>> = {};
  for (const { path, message } of errors) {
    const field = OF_REQUEST[path.split('.')[0] ?? ''];
    if (field) byField[field] ??= message;
  }
  const field = kind === undefined ? undefined : OF_KIND[kind];
  if (field) byField[field] ??= MESSAGES.builder.failure.kinds[kind ?? '']?.title ?? detail;
  return byField;
}
