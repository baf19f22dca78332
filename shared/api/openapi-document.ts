/**
 * The API's document, OpenAPI 3.1: rows of operations, the schemas behind them, and the table of errors, put together. Made
 * anew by each isolate that is asked for it, so that it cannot say anything else than the code beside it does.
 */
import { SERVER_VERSION } from '../server-version.ts';
import { ADMIN_OPERATIONS } from './admin-operations.ts';
import { BUILD_OPERATIONS } from './build-operations.ts';
import { CATALOGUE_OPERATIONS } from './catalogue-operations.ts';
import { COMPONENTS } from './components.ts';
import { HEADERS } from './headers.ts';
import { type JsonObject, jsonSchema, jsonSchemas } from './json-schemas.ts';
import { NODES_OPERATIONS } from './nodes-operations.ts';
import { shapeReference } from './openapi-answer.ts';
import { ADMIN_KEY_SCHEME, openApiPath } from './openapi-path.ts';
import { type Operation, TAGS } from './operation.ts';
import { PROVENANCE_OPERATIONS } from './provenance-operations.ts';
import { REPRODUCIBILITY_OPERATIONS } from './reproducibility-operations.ts';
import { SEED_CHECK_OPERATIONS } from './seed-check-operations.ts';
import { SEED_DATA_OPERATIONS } from './seed-data-operations.ts';
import { SEED_FILES_OPERATIONS } from './seed-files-operations.ts';
import { SEED_REQUEST_OPERATIONS } from './seed-request-operations.ts';
import { SERVER_OPERATIONS } from './server-operations.ts';
import { STATISTICS_OPERATIONS } from './statistics-operations.ts';

export const OPERATIONS: readonly Operation[] = [
  ...BUILD_OPERATIONS,
  ...PROVENANCE_OPERATIONS,
  ...CATALOGUE_OPERATIONS,
  ...STATISTICS_OPERATIONS,
  ...NODES_OPERATIONS,
  ...REPRODUCIBILITY_OPERATIONS,
  ...SERVER_OPERATIONS,
  ...ADMIN_OPERATIONS,
  ...SEED_CHECK_OPERATIONS,
  ...SEED_REQUEST_OPERATIONS,
  ...SEED_FILES_OPERATIONS,
  ...SEED_DATA_OPERATIONS,
];

const DESCRIPTION = `Firmware images for OpenWrt routers, made to order.

POST a request, poll its \`request_hash\` until the answer is 200 or 500, and fetch the files below \`/store\`.

Every error, of every route and method, is a JSON object whose \`detail\` is a sentence. Every answer allows every origin.
Queries that a route does not know are ignored, \`//\` in a path means \`/\`, and no route redirects.`;

/** `publicUrl`: how clients reach this server; where it is empty, the document is of wherever it was fetched from. */
export function openApiDocument(publicUrl: string): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Attended Sysupgrade',
      version: SERVER_VERSION,
      description: DESCRIPTION,
      license: { name: 'GPL-2.0-only', identifier: 'GPL-2.0-only' },
    },
    servers: [{ url: publicUrl || '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(
      OPERATIONS.flatMap((operation) =>
        [...operation.paths, ...(operation.olderPaths ?? [])].map((path) => [path, openApiPath(operation, path)]),
      ),
    ),
    components: {
      schemas: jsonSchemas(COMPONENTS, shapeReference),
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, { text, schema }]) => [
          name,
          { description: text, schema: jsonSchema(schema) },
        ]),
      ),
      securitySchemes: { [ADMIN_KEY_SCHEME]: { type: 'http', scheme: 'bearer' } },
    },
  };
}
