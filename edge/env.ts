/**
 * What the platform hands the Worker. Variables are strings (see shared/edge-settings.ts for their names and meaning);
 * nothing but config.ts reads them.
 */
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Foreman } from './foreman/foreman.ts';

export interface Env {
  readonly CACHE: KVNamespace;
  /** Absent where an S3 store is configured instead, as in plain workerd. */
  readonly IMAGES?: R2Bucket;
  readonly CATALOGUE: DurableObjectNamespace<Catalogue>;
  readonly FOREMAN: DurableObjectNamespace<Foreman>;
  readonly [variable: string]: unknown;
}
