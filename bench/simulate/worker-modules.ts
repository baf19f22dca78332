/**
 * Lets Node.js load the Worker's own files as they are: `cloudflare:workers` is a module of the platform, and `.sql` files are
 * text there by a rule of wrangler.toml. To be imported before anything of edge/.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const PLATFORM = 'cloudflare:workers';

/** What edge/ imports of it. */
const PLATFORM_SOURCE = `
export class DurableObject { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
export const waitUntil = (work) => void work.catch((error) => console.error(error));
`;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === PLATFORM ? { url: PLATFORM, format: 'module', shortCircuit: true } : next(specifier, context),
  load(url, context, next) {
    if (url === PLATFORM) return { format: 'module', source: PLATFORM_SOURCE, shortCircuit: true };
    if (!url.endsWith('.sql')) return next(url, context);
    const text = readFileSync(fileURLToPath(url), 'utf8');
    return { format: 'module', source: `export default ${JSON.stringify(text)};`, shortCircuit: true };
  },
});
