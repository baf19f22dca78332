/**
 * The page that shows the API's document. Whatever it loads comes from this server, and its policy lets it load and do
 * nothing else: it shows text that others may one day write. Where the viewer's files are missing the link stays.
 */
import { hexToBytes, sha256Hex } from '../../shared/crypto/digest.ts';

const STYLE = 'body { margin: 0; font-family: sans-serif } #api > p { margin: 2em }';

const SCRIPT = `
const dark = matchMedia('(prefers-color-scheme: dark)');
const followTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followTheme);
followTheme();
// The address of the document is not taken from the query, and nobody else is asked whether it is valid.
globalThis.SwaggerUIBundle?.({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });
`;

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Attended Sysupgrade: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<style>${STYLE}</style>
<div id="api"><p>The API of this server, as OpenAPI 3.1: <a href="/openapi.json">openapi.json</a></p></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>${SCRIPT}</script>
`;

/** `origin`: where requests that are tried from the page go, if that is not where it came from. */
export function docsPagePolicy(origin: string | null): string {
  return [
    "default-src 'none'",
    `script-src 'self' '${hashOf(SCRIPT)}'`,
    `style-src 'self' '${hashOf(STYLE)}'`,
    "img-src 'self' data:",
    `connect-src 'self'${origin === null ? '' : ` ${origin}`}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const hashOf = (text: string): string => `sha256-${btoa(String.fromCharCode(...hexToBytes(sha256Hex(text))))}`;
