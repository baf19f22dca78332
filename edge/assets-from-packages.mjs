/**
 * Puts what /docs shows the API with into edge/assets: the viewer's script and style, and their licences, from the package
 * that the lock file pins. `npm ci` runs this as `postinstall`, with whatever Node.js npm has, so it is plain JavaScript.
 * Without these files /docs is a page with a link. The rest of the package, 9 MB of variants and maps, stays where it is.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const FILES = ['swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui.css', 'LICENSE', 'NOTICE'];

const source = pathToFileURL(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const target = new URL('assets/docs/', import.meta.url);

// What an older version left there would be served beside the new.
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const file of FILES) await copyFile(new URL(file, source), new URL(file, target));
