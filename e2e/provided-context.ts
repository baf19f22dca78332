/**
 * What the test runner's global setup hands to the tests of every room, typed once for the Node side that provides it
 * and the Worker side that reads it: `import type { S3Server } from '…/e2e/provided-context.ts'`, then `inject('s3')`.
 * Types only, none of them Node's, because the edge is checked without Node.
 */
import 'vitest';

export interface S3Server {
  /** `http://127.0.0.1:<port>`, path-style, no trailing slash. No bucket exists at first. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** One server for the whole test run: a test file makes a bucket of its own. */
    s3: S3Server;
  }
}
