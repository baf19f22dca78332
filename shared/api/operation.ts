/**
 * What the API's document says of one route. The rows lie beside each other in three files; whatever can be told from
 * elsewhere (statuses of errors, parameters in a path, the shape of a body) is not repeated in them.
 */
import type { z } from 'zod';
import type { BuildErrorKind } from '../build/build-error.ts';
import type { ComponentName } from './components.ts';
import type { HeaderName } from './headers.ts';

export interface Operation {
  readonly method: 'get' | 'post';
  /** Answers HEAD as well, and clients rely on it. */
  readonly head?: true;
  readonly paths: readonly string[];
  /** Names that only clients of before ask, answered as the others are. */
  readonly olderPaths?: readonly string[];
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly text?: string;
  readonly query?: Readonly<Record<string, Parameter>>;
  /** `Authorization: Bearer` with the key of those who run this server. */
  readonly needsKey?: true;
  readonly body?: Body;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Their statuses and texts are in the table of errors. */
  readonly errors?: readonly BuildErrorKind[];
}

export const TAGS = {
  build: 'Asking for an image, waiting for it, fetching it.',
  trust: 'Checking an image: who made it from what, and whether anything was changed since.',
  catalogue: 'What there is: versions, targets, profiles, packages.',
  statistics: 'What was asked for and built; names and numbers that tell of nobody.',
  server: 'The server about itself.',
  admin: 'For those who run the farm, with their key; not there on a server without one.',
  seed: 'What routers and pages of 2018 and 2019 speak: answered by the same builds, in their words.',
} as const;

export type Tag = keyof typeof TAGS;

export interface Parameter {
  readonly schema: z.ZodType;
  readonly text: string;
}

export interface Answer {
  readonly text: string;
  /** Shapes of a JSON body, one of which it has; without them it is described by its media type alone, or empty. */
  readonly shapes?: readonly ComponentName[];
  readonly mediaType?: string;
  readonly headers?: readonly HeaderName[];
}

interface Body {
  readonly shape: ComponentName;
  /** Nothing at all will do. */
  readonly isOptional?: true;
  readonly examples: Readonly<Record<string, unknown>>;
}
