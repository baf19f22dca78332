/**
 * Lets Node.js load the Foreman's own files, which are written for Workers: `cloudflare:workers` is a small module of ours, and
 * a migration is its text. Import this before anything of edge/; without it the simulation would need a copy of the Foreman,
 * and would tell how the copy fares.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers'
      ? { url: new URL('./workers-module.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) => {
    if (!url.endsWith('.sql')) return next(url, context);
    const text = readFileSync(fileURLToPath(url), 'utf8');
    return { format: 'module', source: `export default ${JSON.stringify(text)};`, shortCircuit: true };
  },
});
