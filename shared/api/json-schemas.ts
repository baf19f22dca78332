/**
 * zod schemas as JSON Schemas (draft 2020-12, which is OpenAPI 3.1's), each under its name, with references between them.
 * What they say is what a client may send and should expect: a description of what our code makes of it would be of no use
 * to anybody else.
 */
import { z } from 'zod';

export type JsonObject = { readonly [member: string]: unknown };

/** @throws Error where a schema holds what JSON cannot have */
export function jsonSchemas(
  named: Readonly<Record<string, z.ZodType>>,
  referenceTo: (name: string) => string,
): Record<string, JsonObject> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: referenceTo, override: asClientsSeeIt });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _id, $schema: _dialect, ...schema }]) => [name, schema]),
  );
}

/** One schema that refers to no other. */
export function jsonSchema(schema: z.ZodType): JsonObject {
  const {
    $schema: _dialect,
    '~standard': _standard,
    ...json
  } = z.toJSONSchema(schema, {
    io: 'input',
    override: asClientsSeeIt,
  });
  return json;
}

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

const asClientsSeeIt: Override = ({ zodSchema, jsonSchema }) => {
  // Strict is what we are with ourselves; a client that refuses a member it does not know breaks when there is one more.
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  // What every number of JavaScript has says nothing.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  // zod drops defaults and examples of what is transformed, for they might be of the outcome; ours are of what is sent.
  if (zodSchema._zod.def.type === 'default') jsonSchema.default = zodSchema._zod.def.defaultValue;
  const examples = z.globalRegistry.get(zodSchema)?.examples;
  if (Array.isArray(examples)) jsonSchema.examples = examples;
};
