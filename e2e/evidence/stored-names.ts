/** What the S3 server of the tests really holds, asked past the edge. */
import { Client } from 'minio';
import type { S3Server } from '../provided-context.ts';

export function s3Client(s3: S3Server): Client {
  const { hostname, port } = new URL(s3.endpoint);
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
    region: s3.region,
    pathStyle: true,
  });
}

/** Names of all objects that begin so. */
export async function storedNames(s3: S3Server, bucket: string, prefix: string): Promise<string[]> {
  const client = s3Client(s3);
  const names: string[] = [];
  for await (const object of client.listObjectsV2(bucket, prefix, true)) names.push(object.name ?? '');
  return names;
}
