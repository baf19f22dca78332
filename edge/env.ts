/** What the platform hands the Worker. Variables are strings (see shared/edge-settings.ts for their names and meaning), read by config.ts. */
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Foreman } from './foreman/foreman.ts';

export interface Env {
  readonly CACHE: KVNamespace;
  /** Absent where an S3 store is configured instead, as in plain workerd. */
  readonly IMAGES?: R2Bucket;
  /** Absent in plain workerd: /docs is then a page with a link. */
  readonly ASSETS?: Fetcher;
  /** Absent in plain workerd: an isolate's memory then counts alone. */
  readonly BUILDS_LIMIT?: RateLimit;
  readonly MISSES_LIMIT?: RateLimit;
  readonly CATALOGUE: DurableObjectNamespace<Catalogue>;
  readonly FOREMAN: DurableObjectNamespace<Foreman>;
  readonly [variable: string]: unknown;
}
