/** What somebody would call a machine, a package or a router if the page took text for HTML. Each would set `pwned`. */
import type { Page } from 'playwright-core';

export const HOSTILE_TEXTS: readonly string[] = [
  '<img src=x onerror="globalThis.pwned=1">',
  '<script>globalThis.pwned=1</script>',
  '"><svg onload=globalThis.pwned=1>',
  "'-globalThis.pwned=1-'",
  '<a href="javascript:globalThis.pwned=1">a</a>',
  '</textarea></title><iframe srcdoc="<script>parent.pwned=1</script>">',
  '{{constructor.constructor("globalThis.pwned=1")()}}',
  '&lt;b&gt;',
];

/** Whether any of it ran, or became an element. */
export const wasObeyed = (page: Page): Promise<boolean> =>
  page.evaluate(
    () =>
      'pwned' in globalThis ||
      document.querySelector('#content :is(img, script, iframe, [onload], [onerror], [href^="javascript:"])') !== null,
  );
