/**
 * Chooses the store by configuration: S3 where `S3_ENDPOINT` is set, else the R2 binding. Half a configuration stops
 * here, with the variable's name, rather than at the first router that asks for an image.
 */
import type { ObjectStore } from './object-store.ts';
import { prefixedStore } from './prefixed-store.ts';
import { R2ObjectStore } from './r2.ts';
import { S3ObjectStore } from './s3.ts';

/** Part of the Worker's environment. An empty string is as good as absent: so Wrangler's `[vars]` switch one off. */
export interface ObjectStoreSettings {
  readonly IMAGES?: R2Bucket;
  readonly S3_ENDPOINT?: string;
  /** Default `asu-images`. */
  readonly S3_BUCKET?: string;
  /** Default `us-east-1`, which servers that know no regions expect. */
  readonly S3_REGION?: string;
  readonly S3_ACCESS_KEY_ID?: string;
  readonly S3_SECRET_ACCESS_KEY?: string;
  /** What every key begins with; default: nothing. */
  readonly STORE_PREFIX?: string;
}

/** @throws Error that names the setting, never the value of a secret one */
export function openObjectStore(settings: ObjectStoreSettings): ObjectStore {
  const store = openWholeStore(settings);
  return settings.STORE_PREFIX ? prefixedStore(store, storePrefix(settings.STORE_PREFIX)) : store;
}

function openWholeStore(settings: ObjectStoreSettings): ObjectStore {
  if (settings.S3_ENDPOINT) {
    return new S3ObjectStore({
      endpoint: httpUrl(settings.S3_ENDPOINT),
      bucket: bucketName(settings.S3_BUCKET || 'asu-images'),
      region: settings.S3_REGION || 'us-east-1',
      accessKeyId: secret(settings, 'S3_ACCESS_KEY_ID'),
      secretAccessKey: secret(settings, 'S3_SECRET_ACCESS_KEY'),
    });
  }
  if (settings.IMAGES) return new R2ObjectStore(settings.IMAGES);
  throw new Error('expected an object store: bind an R2 bucket as IMAGES, or set S3_ENDPOINT');
}

function storePrefix(value: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}\/$/.test(value)) return value;
  throw new Error(
    `STORE_PREFIX: expected at most 63 of a-z 0-9 - and a slash behind them, got ${JSON.stringify(value)}`,
  );
}

function httpUrl(value: string): string {
  const url = URL.parse(value);
  const plain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (plain) return url.href;
  throw new Error('S3_ENDPOINT: expected an http or https URL without user, password, query or fragment');
}

/** S3's own rule, less its finer points: what it must keep out is a slash or `..`, which would be another bucket. */
function bucketName(value: string): string {
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value)) return value;
  throw new Error(`S3_BUCKET: expected 3 to 63 of a-z 0-9 . -, got ${JSON.stringify(value)}`);
}

function secret(settings: ObjectStoreSettings, name: 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY'): string {
  const value = settings[name];
  if (value) return value;
  throw new Error(`${name}: expected a value, because S3_ENDPOINT is set`);
}
