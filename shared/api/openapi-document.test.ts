/** The document against the rules of OpenAPI 3.1, and what it says of requests against what is done with them. */
import { describe, expect, it, test } from 'vitest';
import { BUILD_ERRORS } from '../build/build-error.ts';
import { ACCEPTED, MINIMAL, REFUSED } from '../request/request-grammar.fixture.ts';
import { COMPONENTS } from './components.ts';
import { checkSchema, fits, subschemas } from './json-schema-check.fixture.ts';
import type { JsonObject } from './json-schemas.ts';
import { OPERATIONS, openApiDocument } from './openapi-document.ts';
import { TAGS } from './operation.ts';
import { PATH_PARAMETERS } from './path-parameters.ts';

interface Described {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly requestBody?: { readonly content: Record<string, Content> };
  readonly responses: Readonly<
    Record<string, { description: string; headers?: JsonObject; content?: Record<string, Content> }>
  >;
}
interface Content {
  readonly schema?: JsonObject;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: JsonObject;
}
interface Document {
  readonly openapi: string;
  readonly info: JsonObject;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Record<string, JsonObject>;
    readonly headers: Record<string, JsonObject>;
    readonly securitySchemes: Record<string, JsonObject>;
  };
}

// As it is sent: what JSON cannot have is gone.
const document = JSON.parse(JSON.stringify(openApiDocument('https://asu.example'))) as Document;
const { schemas, headers } = document.components;

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([member]) => member !== 'parameters')
    .map(([method, operation]) => ({ path, method, operation: operation as Described })),
);
const parametersOf = (path: string) => (document.paths[path]?.parameters ?? []) as Parameter[];

function resolve(reference: string): JsonObject {
  const [, section, name] = /^#\/components\/(\w+)\/([\w-]+)$/.exec(reference) ?? [];
  const found = document.components[section as keyof Document['components']]?.[name ?? ''];
  if (!found) throw new Error(`expected ${reference} to be in the document`);
  return found;
}

/** Every object of the document. */
function objects(value: unknown): JsonObject[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(objects);
  return Array.isArray(value) ? inner : [value as JsonObject, ...inner];
}

test('it is OpenAPI 3.1, and names the server by its configured address alone', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d$/);
  expect(document.info).toMatchObject({
    title: expect.any(String),
    version: expect.any(String),
    license: { name: 'GPL-2.0-only', identifier: 'GPL-2.0-only' },
  });
  expect(document.components.securitySchemes).toEqual({ adminKey: { type: 'http', scheme: 'bearer' } });
  expect(document.servers).toEqual([{ url: 'https://asu.example' }]);
  expect(openApiDocument('').servers).toEqual([{ url: '/' }]);
});

test('every path of every operation is in it, the older ones too', () => {
  const paths = OPERATIONS.flatMap(({ paths, olderPaths = [] }) => [...paths, ...olderPaths]);
  expect(Object.keys(document.paths).sort()).toEqual(paths.sort());
});

test('every reference leads somewhere, and every shape is referred to', () => {
  const references = objects(document).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
  for (const reference of references) expect(resolve(reference)).toBeTypeOf('object');
  for (const name of Object.keys(schemas)) expect(references).toContain(`#/components/schemas/${name}`);
  for (const name of Object.keys(headers)) expect(references).toContain(`#/components/headers/${name}`);
});

test('every schema is one, and every example in it is a value that it allows', () => {
  const ofHeaders = Object.values(headers).map(({ schema }) => schema as JsonObject);
  const ofParameters = Object.keys(document.paths).flatMap((path) => parametersOf(path).map(({ schema }) => schema));
  const all = [...Object.values(schemas), ...ofHeaders, ...ofParameters];
  expect(all.length).toBeGreaterThan(Object.keys(COMPONENTS).length);
  for (const schema of all) {
    checkSchema(schema);
    for (const each of subschemas(schema)) {
      const values = [...((each.examples as unknown[]) ?? []), ...('default' in each ? [each.default] : [])];
      for (const value of values) expect([each, value, fits(value, each, resolve)]).toEqual([each, value, true]);
    }
  }
});

describe('every operation', () => {
  it('has a name of its own, a tag that is described, and answers', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/);
      expect(Object.keys(TAGS)).toEqual(expect.arrayContaining([...operation.tags]));
      expect(Object.keys(operation.responses)).toContain('default');
      expect(Object.keys(operation.responses).some((status) => /^2\d\d$/.test(status))).toBe(true);
      for (const answer of Object.values(operation.responses)) expect(answer.description).not.toBe('');
    }
  });

  it('has its methods and statuses spelled as HTTP has them', () => {
    for (const { method, operation } of operations) {
      expect(['get', 'head', 'post']).toContain(method);
      for (const status of Object.keys(operation.responses)) expect(status).toMatch(/^(?:default|[2345]\d\d)$/);
    }
  });

  it('sends no body for HEAD, 204 and 304', () => {
    for (const { method, operation } of operations)
      for (const [status, answer] of Object.entries(operation.responses))
        if (method === 'head' || status === '204' || status === '304') expect(answer.content).toBeUndefined();
  });
});

test('the names in a path are declared, once each, with an example to fill in', () => {
  for (const path of Object.keys(document.paths)) {
    const inPath = parametersOf(path).filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    for (const { required, schema } of inPath) {
      expect(required).toBe(true);
      expect(schema.examples).toHaveLength(1);
    }
  }
  const declared = Object.keys(document.paths).flatMap((path) => parametersOf(path).map(({ name }) => name));
  for (const name of Object.keys(PATH_PARAMETERS)) expect(declared).toContain(name);
});

test('the statuses of a POST are those of the table of errors, and the three that a build has', () => {
  const post = operations.find(({ operation }) => operation.operationId === 'requestBuild');
  const statuses = new Set(Object.values(BUILD_ERRORS).map(({ status }) => status));
  expect(Object.keys(post?.operation.responses ?? {}).sort()).toEqual(
    [...new Set([200, 202, 500, ...statuses])].map(String).concat('default').sort(),
  );
  for (const [kind, { status }] of Object.entries(BUILD_ERRORS))
    expect(post?.operation.responses[status]?.description).toContain(`\`${kind}\``);
});

describe('what it says of a request', () => {
  const request = schemas.BuildRequest as JsonObject;
  const allows = (body: unknown): boolean => fits(body, request, resolve);

  it('is that these are required, and that the rest has the defaults that are filled in', () => {
    expect(request.required).toEqual(['version', 'target', 'profile']);
    const defaults = Object.entries(request.properties as Record<string, JsonObject>).flatMap(([name, schema]) =>
      'default' in schema ? [[name, schema.default]] : [],
    );
    expect(Object.fromEntries(defaults)).toEqual({
      distro: 'openwrt',
      version_code: '',
      packages: [],
      packages_versions: {},
      diff_packages: false,
      repositories: {},
      repositories_mode: 'append',
      repository_keys: [],
    });
    expect(COMPONENTS.BuildRequest.parse(MINIMAL)).toMatchObject(Object.fromEntries(defaults));
  });

  it.each(ACCEPTED)('allows %s to be %j', (field, value) => {
    expect(allows({ ...MINIMAL, [field]: value })).toBe(true);
  });

  /** No keyword of JSON Schema can say it: a text that is not Unicode, and a number in digits that is nought. */
  const isBeyondSchemas = (field: string, value: unknown): boolean =>
    (['defaults', 'client'].includes(field) && typeof value === 'string' && !value.isWellFormed()) ||
    (field === 'rootfs_size_mb' && value === '0');

  it.each(REFUSED.filter(([field, value]) => !isBeyondSchemas(field, value)))(
    'does not allow %s to be %j',
    (field, value) => {
      expect(allows({ ...MINIMAL, [field]: value })).toBe(false);
    },
  );

  it('has examples that are requests', () => {
    const post = operations.find(({ operation }) => operation.operationId === 'requestBuild');
    const examples = Object.values(post?.operation.requestBody?.content['application/json']?.examples ?? {});
    expect(examples.length).toBeGreaterThan(0);
    for (const { value } of examples)
      expect([allows(value), COMPONENTS.BuildRequest.safeParse(value).success]).toEqual([true, true]);
  });
});
