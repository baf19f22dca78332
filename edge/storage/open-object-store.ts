/** Chooses the store by configuration: S3 where `S3_ENDPOINT` is set, else the R2 binding. */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import type { ObjectStore } from './object-store.ts';
import { prefixedStore } from './prefixed-store.ts';
import { R2ObjectStore } from './r2.ts';
import { S3ObjectStore } from './s3.ts';

/**
 * Half a configuration stops here, with the variable's name, rather than at the first router that asks for an image.
 * @throws Error that names the setting, never the value of a secret one
 */
export function openObjectStore(env: Env): ObjectStore {
  const config = configOf(env);
  const store = openWholeStore(config, env.IMAGES);
  return config.STORE_PREFIX === '' ? store : prefixedStore(store, config.STORE_PREFIX);
}

function openWholeStore(config: EdgeSettings, images: R2Bucket | undefined): ObjectStore {
  if (config.S3_ENDPOINT !== '') {
    return new S3ObjectStore({
      endpoint: config.S3_ENDPOINT,
      bucket: config.S3_BUCKET,
      region: config.S3_REGION,
      accessKeyId: needed(config, 'S3_ACCESS_KEY_ID'),
      secretAccessKey: needed(config, 'S3_SECRET_ACCESS_KEY'),
    });
  }
  if (images) return new R2ObjectStore(images);
  throw new Error('expected an object store: bind an R2 bucket as IMAGES, or set S3_ENDPOINT');
}

function needed(config: EdgeSettings, name: 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY'): string {
  if (config[name] !== '') return config[name];
  throw new Error(`${name}: expected a value, because S3_ENDPOINT is set`);
}
