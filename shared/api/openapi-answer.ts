/**
 * The answers of one operation as its document lists them: by status, those of its own row first, then whatever errors the
 * row names. Their statuses and words are in the table of errors and nowhere else.
 */
import { BUILD_ERRORS, type BuildErrorKind } from '../build/build-error.ts';
import type { JsonObject } from './json-schemas.ts';
import type { Answer, Operation } from './operation.ts';

type Bodies = 'with bodies' | 'without bodies';

export const shapeReference = (name: string): string => `#/components/schemas/${name}`;

/** Every answer that the operation is documented to have, but for errors that any may have. */
export function answersOf(operation: Operation): ReadonlyMap<number, Answer> {
  const answers = new Map(Object.entries(operation.answers).map(([status, row]) => [Number(status), row]));
  for (const kind of operation.errors ?? []) {
    const { status } = BUILD_ERRORS[kind];
    answers.set(status, withError(answers.get(status), kind));
  }
  return answers;
}

export function openApiAnswers(operation: Operation, bodies: Bodies): JsonObject {
  return {
    ...Object.fromEntries([...answersOf(operation)].map(([status, answer]) => [status, openApiAnswer(answer, bodies)])),
    default: openApiAnswer({ text: 'Any other error.', shapes: ['Problem'] }, bodies),
  };
}

/** One error more for a status: a line in its description, and a shape that the body may have. */
function withError(answer: Answer | undefined, kind: BuildErrorKind): Answer {
  const { text, retry } = BUILD_ERRORS[kind];
  return {
    text: `${answer ? `${answer.text}\n` : ''}* \`${kind}\`: ${text}`,
    shapes: [...new Set([...(answer?.shapes ?? []), 'Problem' as const])],
    headers: [...new Set([...(answer?.headers ?? []), ...(retry === 'never' ? [] : ['Retry-After' as const])])],
  };
}

function openApiAnswer({ text, shapes, mediaType, headers = [] }: Answer, bodies: Bodies): JsonObject {
  const content = shapes ? { 'application/json': { schema: oneOf(shapes) } } : mediaType && { [mediaType]: {} };
  return {
    description: text,
    ...(headers.length > 0 && {
      headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    ...(content && bodies === 'with bodies' && { content }),
  };
}

function oneOf(shapes: NonNullable<Answer['shapes']>): JsonObject {
  const references = shapes.map((name) => ({ $ref: shapeReference(name) }));
  return references.length === 1 && references[0] ? references[0] : { anyOf: references };
}
