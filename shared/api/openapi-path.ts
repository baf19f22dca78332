/** One path of the API's document, with what can be asked of it. No two rows share a path. */
import { type JsonObject, jsonSchema } from './json-schemas.ts';
import { openApiAnswers, shapeReference } from './openapi-answer.ts';
import type { Operation, Parameter } from './operation.ts';
import { PATH_PARAMETERS } from './path-parameters.ts';

/** Under this name the document tells how the key is sent. */
export const ADMIN_KEY_SCHEME = 'adminKey';

/** @throws Error where nobody said what may stand for a name in the path */
export function openApiPath(operation: Operation, path: string): JsonObject {
  const { paths, olderPaths = [] } = operation;
  const isOlder = olderPaths.includes(path);
  // Each path has an operation of its own, and no two may have one name.
  const at = [...paths, ...olderPaths].indexOf(path) + 1;
  const id = at === 1 ? operation.id : `${operation.id}${at}`;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => parameter(name, 'path', ofPath(name))),
    ...Object.entries(operation.query ?? {}).map(([name, row]) => parameter(name, 'query', row)),
  ];
  const common = {
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.text !== undefined && { description: operation.text }),
    ...(isOlder && { deprecated: true }),
  };
  return {
    ...(parameters.length > 0 && { parameters }),
    [operation.method]: {
      ...common,
      operationId: id,
      ...(operation.needsKey && { security: [{ [ADMIN_KEY_SCHEME]: [] }] }),
      ...(operation.body && {
        requestBody: {
          required: !operation.body.isOptional,
          content: {
            'application/json': {
              schema: { $ref: shapeReference(operation.body.shape) },
              examples: Object.fromEntries(
                Object.entries(operation.body.examples).map(([name, value]) => [name, { value }]),
              ),
            },
          },
        },
      }),
      responses: openApiAnswers(operation, 'with bodies'),
    },
    ...(operation.head && {
      head: {
        ...common,
        operationId: `${id}Head`,
        summary: `${operation.summary}: headers only`,
        responses: openApiAnswers(operation, 'without bodies'),
      },
    }),
  };
}

const parameter = (name: string, where: 'path' | 'query', { text, schema }: Parameter): JsonObject => ({
  name,
  in: where,
  required: where === 'path',
  description: text,
  schema: jsonSchema(schema),
});

function ofPath(name: string): Parameter {
  const row = Object.hasOwn(PATH_PARAMETERS, name) ? PATH_PARAMETERS[name] : undefined;
  if (!row) throw new Error(`expected a row for {${name}} among the path parameters`);
  return row;
}
