/** What a reader does with the builder, and what a test looks for in it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';

export const DEVICE = { target: 'demo/generic', profile: 'acme_ax3000-v1', name: 'Acme AX3000 v1' } as const;

/** The form's address, with a choice in it. */
export const choice = (packages = '', version = '24.10.2', profile: string = DEVICE.profile): string =>
  `/?${new URLSearchParams({ version, target: DEVICE.target, profile, ...(packages !== '' && { packages }) })}`;

export const deviceField = (page: Page) => page.getByRole('combobox', { name: 'Device' });
export const packageField = (page: Page) => page.getByRole('combobox', { name: 'Add a package' });
/** Of lists that open below a field, and not of those that a browser draws. */
export const options = (page: Page) => page.locator('button[role=option]:visible');

export async function build(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Build', exact: true }).click();
}

export async function ready(page: Page): Promise<void> {
  await page.getByText('Your image is ready.').last().waitFor({ timeout: 120_000 });
}

/** As it is shown beside each file, and as the bytes are that the button brings. */
export async function downloads(page: Page): Promise<{ shown: string; fetched: string; name: string }[]> {
  const files: { shown: string; fetched: string; name: string }[] = [];
  for (const card of await page.locator('.file').all()) {
    const shown = await card.locator('.digest code').textContent();
    const [download] = await Promise.all([page.waitForEvent('download'), card.getByText('Download').click()]);
    const bytes = await readFile(await download.path());
    const fetched = createHash('sha256').update(bytes).digest('hex');
    files.push({ shown: shown ?? '', fetched, name: download.suggestedFilename() });
  }
  return files;
}
