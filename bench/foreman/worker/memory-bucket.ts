/**
 * As much of an R2 bucket as the Foreman asks for while it publishes, in memory: plain workerd has none, and what a store takes
 * is not what this bench is about.
 */
export function memoryBucket(): R2Bucket {
  const objects = new Map<string, { readonly bytes: ArrayBuffer; readonly sha256?: string }>();
  const described = (key: string) => {
    const object = objects.get(key);
    return object
      ? {
          key,
          size: object.bytes.byteLength,
          httpEtag: `"${key}"`,
          checksums: {},
          customMetadata: { sha256: object.sha256 },
        }
      : null;
  };
  const bucket = {
    head: async (key: string) => described(key),
    put: async (key: string, body: BodyInit, options: { readonly sha256?: string }) => {
      const bytes = await new Response(body).arrayBuffer();
      objects.set(key, { bytes, ...options });
      return described(key);
    },
    get: async (key: string) => {
      const object = described(key);
      return object && { ...object, body: new Response(objects.get(key)?.bytes).body };
    },
    delete: async (key: string) => void objects.delete(key),
    list: async () => ({ objects: [], truncated: false }),
  };
  return bucket as unknown as R2Bucket;
}
