/** Pages name files, headings and tests. What was renamed since must be found here and not by a reader. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const PROJECT = path.resolve(import.meta.dirname, '..');
const LINK = /(?<!!)\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)/g;

const pages: string[] = [];
for await (const page of glob(['*.md', 'docs/**/*.md'], { cwd: PROJECT })) pages.push(page);

const sources: string[] = [];
for await (const file of glob(['*.ts', '{bench,deploy,e2e,edge,farm,shared}/**/*.{mjs,service,sql,ts,tsx}'], {
  cwd: PROJECT,
}))
  sources.push(file);

/** Without their folders: in a table of one folder's files, these stand in its heading. */
const sourceNames = new Set(sources.map((file) => path.basename(file)));

/** With all of their folders, some or none: a comment names a file as short as it is clear where it stands. */
const sourceEndings = new Set(
  sources.flatMap((file) => {
    const parts = file.split('/');
    return parts.map((_, at) => parts.slice(at).join('/'));
  }),
);

/** As GitHub makes an anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\]\([^)]*\)|[`*[]/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

async function anchorsIn(file: string): Promise<string[]> {
  const text = (await readFile(file, 'utf8')).replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

test('there are pages', () => {
  expect(pages).toContain('README.md');
  expect(pages.length).toBeGreaterThan(10);
});

test.each(pages)('every link of %s into the project leads somewhere', async (page) => {
  const text = withoutCode(await readFile(path.join(PROJECT, page), 'utf8'));
  const broken: string[] = [];
  for (const [, link = ''] of text.matchAll(LINK)) {
    if (/^[a-z]+:/.test(link)) continue;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path.join(PROJECT, page) : path.resolve(PROJECT, path.dirname(page), file);
    if (!existsSync(target)) broken.push(link);
    else if (anchor !== undefined && target.endsWith('.md') && !(await anchorsIn(target)).includes(anchor))
      broken.push(link);
  }
  expect(broken).toEqual([]);
});

test.each(pages)('every source file that %s names is there', async (page) => {
  const text = await readFile(path.join(PROJECT, page), 'utf8');
  const named = [
    ...text.matchAll(/`((?:bench|deploy|docs|e2e|edge|farm|shared|proto)\/[\w./-]+\.(?:Containerfile|[a-z]+))`/g),
  ];
  const missing = named.map(([, file = '']) => file).filter((file) => !existsSync(path.join(PROJECT, file)));
  expect(missing).toEqual([]);
});

test.each(pages)('every source file that %s names without its folder is in some folder', async (page) => {
  const text = await readFile(path.join(PROJECT, page), 'utf8');
  const named = [...text.matchAll(/`([\w.-]+\.(?:mjs|service|sql|ts|tsx))`/g)].map(([, file = '']) => file);
  expect(named.filter((file) => !sourceNames.has(file))).toEqual([]);
});

test('docs/README.md leads to every page', async () => {
  const index = await readFile(path.join(PROJECT, 'docs/README.md'), 'utf8');
  const linked = [...index.matchAll(LINK)].map(([, link = '']) => path.join('docs', link));
  expect(pages.filter((page) => page !== 'docs/README.md' && !linked.includes(page))).toEqual([]);
});

const COMMENT = /^\s*(?:\/?\*\*?|\/\/|--) .*|\s\/\/ .*$/gm;

test('every source file that a comment names is there', async () => {
  const missing: string[] = [];
  for (const file of sources)
    for (const [comment] of (await readFile(path.join(PROJECT, file), 'utf8')).matchAll(COMMENT))
      for (const [named] of comment.matchAll(/[\w@.-][\w@./-]*\.(?:mjs|sql|tsx?)\b/g))
        if (!sourceEndings.has(named)) missing.push(`${file}: ${named}`);
  expect(missing).toEqual([]);
});
