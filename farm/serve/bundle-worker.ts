/** One Worker as one ES module, made as `wrangler deploy` makes it: esbuild with wrangler's conditions and as wrangler.toml says. */
import path from 'node:path';
import { build } from 'esbuild';

const PROJECT = path.join(import.meta.dirname, '../..');

/** Returns the name of the bundle in the directory. */
export async function bundleWorker(source: string, directory: string): Promise<string> {
  const outfile = path.join(directory, `${path.basename(source, '.ts')}.js`);
  await build({
    absWorkingDir: PROJECT,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.sql': 'text' },
    keepNames: false,
    logLevel: 'error',
  });
  return path.basename(outfile);
}
