/**
 * Checks a value against a JSON Schema (draft 2020-12), for tests of the API's document: by a reading of the standard that
 * knows nothing of zod, so that what zod wrote is held to what it means to others. Small, and a keyword that it does not know
 * is an error: a schema that nobody checked must not pass for one that holds.
 */
import type { JsonObject } from './json-schemas.ts';

type Check = (value: unknown, operand: never, schema: JsonObject, resolve: Resolve) => boolean;
export type Resolve = (reference: string) => JsonObject;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const characters = (text: string): number => [...text].length;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

/** A keyword says something of values of one type, and nothing of others. */
const CHECKS: Readonly<Record<string, Check>> = {
  $ref: (value, reference: string, _, resolve) => fits(value, resolve(reference), resolve),
  type: (value, types: string | string[]) => [types].flat().some((type) => TYPES[type]?.(value) ?? false),
  const: (value, only: unknown) => same(value, only),
  enum: (value, values: unknown[]) => values.some((one) => same(value, one)),
  not: (value, schema: JsonObject, _, resolve) => !fits(value, schema, resolve),
  anyOf: (value, schemas: JsonObject[], _, resolve) => schemas.some((schema) => fits(value, schema, resolve)),
  pattern: (value, source: string) => typeof value !== 'string' || new RegExp(source, 'u').test(value),
  minLength: (value, min: number) => typeof value !== 'string' || characters(value) >= min,
  maxLength: (value, max: number) => typeof value !== 'string' || characters(value) <= max,
  minimum: (value, min: number) => typeof value !== 'number' || value >= min,
  maximum: (value, max: number) => typeof value !== 'number' || value <= max,
  minItems: (value, min: number) => !Array.isArray(value) || value.length >= min,
  maxItems: (value, max: number) => !Array.isArray(value) || value.length <= max,
  items: (value, schema: JsonObject, _, resolve) =>
    !Array.isArray(value) || value.every((item) => fits(item, schema, resolve)),
  maxProperties: (value, max: number) => !isObject(value) || Object.keys(value).length <= max,
  required: (value, names: string[]) => !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
  propertyNames: (value, schema: JsonObject, _, resolve) =>
    !isObject(value) || Object.keys(value).every((name) => fits(name, schema, resolve)),
  properties: (value, schemas: Record<string, JsonObject>, _, resolve) =>
    !isObject(value) ||
    Object.entries(schemas).every(
      ([name, schema]) => !Object.hasOwn(value, name) || fits(value[name], schema, resolve),
    ),
  additionalProperties: (value, schema: JsonObject, { properties = {} }, resolve) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([name, member]) => Object.hasOwn(properties as object, name) || fits(member, schema, resolve),
    ),
};

/** Those that say something to people. */
const ANNOTATIONS = new Set(['description', 'examples', 'default', 'format']);

/** @throws Error at a keyword that is not known here, an unknown type, or a reference to nothing */
export function fits(value: unknown, schema: JsonObject, resolve: Resolve): boolean {
  return Object.entries(schema).every(([keyword, operand]) => {
    if (ANNOTATIONS.has(keyword)) return true;
    const check = CHECKS[keyword];
    if (!check) throw new Error(`expected a keyword of JSON Schema that is checked here, got ${keyword}`);
    return check(value, operand as never, schema, resolve);
  });
}

/** Every schema in a schema, itself first. */
export function subschemas(schema: JsonObject): JsonObject[] {
  const { properties = {}, anyOf = [], items, additionalProperties, propertyNames, not } = schema;
  const inner = [
    ...Object.values(properties as Record<string, JsonObject>),
    ...(anyOf as JsonObject[]),
    ...[items, additionalProperties, propertyNames, not].filter(isObject),
  ];
  return [schema, ...inner.flatMap(subschemas)];
}

/** @throws Error at whatever is no schema, even where no value leads there */
export function checkSchema(schema: JsonObject): void {
  for (const each of subschemas(schema)) {
    for (const keyword of Object.keys(each))
      if (!Object.hasOwn(CHECKS, keyword) && !ANNOTATIONS.has(keyword))
        throw new Error(`expected a keyword of JSON Schema that is checked here, got ${keyword}`);
    for (const type of [each.type ?? []].flat() as string[])
      if (!Object.hasOwn(TYPES, type)) throw new Error(`expected a type of JSON, got ${type}`);
    if (each.pattern !== undefined) new RegExp(each.pattern as string, 'u');
  }
}
