import { expect, it, test } from 'vitest';
import { z } from 'zod';
import { BUILD_ERRORS } from '../build/build-error.ts';
import { jsonSchema } from './json-schemas.ts';
import { openApiPath } from './openapi-path.ts';
import type { Operation } from './operation.ts';
import { PATH_PARAMETERS } from './path-parameters.ts';

const BARE: Operation = {
  method: 'get',
  paths: ['/x'],
  id: 'x',
  tag: 'server',
  summary: 'Is.',
  answers: { 200: { text: 'Fine.' } },
};

const FULL: Operation = {
  ...BARE,
  method: 'post',
  head: true,
  paths: ['/x/{version}', '/{version}/{file}'],
  olderPaths: ['/old'],
  text: 'More of it.',
  query: { since: { schema: z.int(), text: 'From then on.' } },
  needsKey: true,
  body: { shape: 'BuildRequest', examples: { one: { a: 1 } } },
  answers: {
    503: { text: 'Not now.', shapes: ['QueueLength'], headers: ['ETag'] },
    404: { text: 'None.', shapes: ['Problem', 'SeedProblem'] },
    200: { text: 'A picture.', mediaType: 'image/png' },
  },
  errors: ['invalid_request', 'queue_full'],
};

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const header = (name: string) => ({ [name]: { $ref: `#/components/headers/${name}` } });
const ANY_OTHER = 'Any other error.';

test('of the barest operation nothing is told that it does not have', () => {
  expect(openApiPath(BARE, '/x')).toStrictEqual({
    get: {
      tags: ['server'],
      summary: 'Is.',
      operationId: 'x',
      responses: { 200: { description: 'Fine.' }, default: { description: ANY_OTHER, ...json(ref('Problem')) } },
    },
  });
});

test('of an operation that has everything all of it is told, errors beside the answers of their status', () => {
  const version = {
    name: 'version',
    in: 'path',
    required: true,
    description: 'A version.',
    schema: jsonSchema(PATH_PARAMETERS.version?.schema as z.ZodType),
  };
  const since = {
    name: 'since',
    in: 'query',
    required: false,
    description: 'From then on.',
    schema: { type: 'integer' },
  };
  const common = { tags: ['server'], description: 'More of it.' };
  const invalid = { description: `* \`invalid_request\`: ${BUILD_ERRORS.invalid_request.text}` };
  const full = {
    description: `Not now.\n* \`queue_full\`: ${BUILD_ERRORS.queue_full.text}`,
    headers: { ...header('ETag'), ...header('Retry-After') },
  };
  const told = openApiPath(FULL, '/x/{version}');
  expect(told).toStrictEqual({
    parameters: [version, since],
    post: {
      ...common,
      summary: 'Is.',
      operationId: 'x',
      security: [{ adminKey: [] }],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: ref('BuildRequest'), examples: { one: { value: { a: 1 } } } } },
      },
      responses: {
        200: { description: 'A picture.', content: { 'image/png': {} } },
        404: { description: 'None.', ...json({ anyOf: [ref('Problem'), ref('SeedProblem')] }) },
        422: { ...invalid, ...json(ref('Problem')) },
        503: { ...full, ...json({ anyOf: [ref('QueueLength'), ref('Problem')] }) },
        default: { description: ANY_OTHER, ...json(ref('Problem')) },
      },
    },
    head: {
      ...common,
      summary: 'Is.: headers only',
      operationId: 'xHead',
      responses: {
        200: { description: 'A picture.' },
        404: { description: 'None.' },
        422: invalid,
        503: full,
        default: { description: ANY_OTHER },
      },
    },
  });
});

it.each([
  ['/x/{version}', 'x', undefined],
  ['/{version}/{file}', 'x2', undefined],
  ['/old', 'x3', true],
])('%s has a name of its own, %s, and is deprecated where it is older: %s', (path, operationId, deprecated) => {
  const told = openApiPath(FULL, path) as { readonly post: object };
  expect(told.post).toMatchObject({ operationId });
  expect('deprecated' in told.post ? told.post.deprecated : undefined).toBe(deprecated);
});

test('a body that may be left out is told as one', () => {
  const body = { shape: 'NodeAction', isOptional: true, examples: {} } as const;
  expect(openApiPath({ ...BARE, body }, '/x')).toMatchObject({ get: { requestBody: { required: false } } });
});

test('a name in a path that nobody described is refused', () => {
  for (const name of ['nobody', 'constructor'])
    expect(() => openApiPath(BARE, `/{${name}}`)).toThrow(`expected a row for {${name}} among the path parameters`);
});
