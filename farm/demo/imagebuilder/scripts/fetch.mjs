// fetch's last resort, for hosts with neither wget nor curl: the same contract (see `fetch`), six downloads at a time.
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';

const words = process.argv.slice(2);
const pairs =
  words[0] === '--into'
    ? words.slice(2).map((url) => [url, `${words[1]}/${url.split('/').at(-1)}`])
    : words.flatMap((url, at) => (at % 2 === 0 ? [[url, words[at + 1]]] : []));
const failures = [];

/** Exit code in wget's manner. */
async function download(url, file) {
  const part = `${file}.part.${process.pid}`;
  try {
    if (url.startsWith('file:')) copyFileSync(url.replace(/^file:(\/\/)?/, ''), part);
    else {
      const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
      if (!response.ok) return 8;
      writeFileSync(part, new Uint8Array(await response.arrayBuffer()));
    }
    renameSync(part, file);
    return 0;
  } catch {
    return url.startsWith('file:') ? 8 : 4;
  }
}

async function worker() {
  for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
    const code = await download(...pair);
    if (code !== 0) failures.push(`${code} ${pair[0]}`);
  }
}

await Promise.all(Array.from({ length: 6 }, worker));
for (const failure of failures) console.log(failure);
process.exit(failures.length > 0 ? 1 : 0);
