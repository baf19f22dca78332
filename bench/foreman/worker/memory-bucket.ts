import { HOLDER_KEY } from '../../../shared/bucket-holder.ts';

/**
 * As much of an R2 bucket as the Foreman asks for while it publishes, in memory: plain workerd has none, and what a store takes
 * is not what this bench is about.
 */
export function memoryBucket(): R2Bucket {
  const objects = new Map<string, { readonly size: number; readonly sha256?: string }>();
  /** Whose the bucket is, which is read again. */
  let holder = '';
  const described = (key: string) => {
    const object = objects.get(key);
    return object
      ? { key, size: object.size, httpEtag: `"${key}"`, checksums: {}, customMetadata: { sha256: object.sha256 } }
      : null;
  };
  const bucket = {
    head: async (key: string) => described(key),
    put: async (key: string, body: BodyInit, options: { readonly sha256?: string }) => {
      const bytes = await new Response(body).arrayBuffer();
      const size = bytes.byteLength;
      if (key === HOLDER_KEY) holder = new TextDecoder().decode(bytes);
      objects.set(key, { size, ...options });
      return described(key);
    },
    get: async (key: string) => {
      const object = described(key);
      return object && key === HOLDER_KEY ? { ...object, body: new Response(holder).body } : null;
    },
    delete: async (key: string) => void objects.delete(key),
    list: async () => ({ objects: [], truncated: false }),
  };
  return bucket as unknown as R2Bucket;
}
