/**
 * Makes the page's static assets. Names hold a digest of what is in the file, so browsers may keep each for ever; the Worker
 * serves them (edge/routes/page.ts). Nothing is put inline: the page's policy lets no inline script or style run.
 */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Else it warns that it will not empty a directory outside of its root.
  build: {
    outDir: '../assets/page',
    emptyOutDir: true,
    assetsDir: '.',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  base: '/page/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  logLevel: 'warn',
});
