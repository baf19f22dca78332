/**
 * Fills edge/assets when packages are installed. `npm ci` runs this as `postinstall`, so it is plain JavaScript.
 *
 * What /docs shows the API with: the viewer's script and style, and their licences, from the package that the lock file pins. Without
 * these files /docs is a page with a link. The rest of the package, 9 MB of variants and maps, stays where it is.
 *
 * And the page itself, by Vite, where its sources are: a node's container has none. `npm run page` makes it anew.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FILES = ['swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui.css', 'LICENSE', 'NOTICE'];

const source = pathToFileURL(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const target = new URL('assets/docs/', import.meta.url);

// What an older version left there would be served beside the new.
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const file of FILES) await copyFile(new URL(file, source), new URL(file, target));

const page = new URL('web/vite.config.ts', import.meta.url);
if (existsSync(page)) {
  const vite = fileURLToPath(
    new URL('bin/vite.js', pathToFileURL(createRequire(import.meta.url).resolve('vite/package.json'))),
  );
  execFileSync('node', [vite, 'build', '--config', fileURLToPath(page)], { stdio: 'inherit' });
}
