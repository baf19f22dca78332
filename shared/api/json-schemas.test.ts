import { expect, test } from 'vitest';
import { z } from 'zod';
import { type JsonObject, jsonSchema, jsonSchemas } from './json-schemas.ts';

test.each<[what: string, schema: z.ZodType, told: JsonObject]>([
  [
    'an object that we are strict with, as one to which members may be added',
    z.strictObject({ a: z.string() }),
    { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  ],
  ['a whole number, without the limits that all of them have', z.int(), { type: 'integer' }],
  ['a number with limits, with them', z.int().min(0).max(9), { type: 'integer', minimum: 0, maximum: 9 }],
  [
    'what is transformed, with the default and the examples of what is sent',
    z
      .string()
      .default('1')
      .transform(Number)
      .meta({ examples: ['2'] }),
    { type: 'string', default: '1', examples: ['2'] },
  ],
])('%s', (_, schema, told) => {
  expect(jsonSchema(schema)).toStrictEqual(told);
  expect(jsonSchemas({ Shape: schema }, (name) => name)).toStrictEqual({ Shape: told });
});
