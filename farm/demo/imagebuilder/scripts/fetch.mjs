// fetch's last resort, for hosts with neither curl nor wget: the same contract (see `fetch`), six downloads at a time.
import { rmSync, writeFileSync } from 'node:fs';

const words = process.argv.slice(2);
const pairs = words.flatMap((url, at) => (at % 2 === 0 ? [[url, words[at + 1]]] : []));
let status = 0;

/** Exit code in wget's manner. */
async function download(url, file) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) return 8;
    writeFileSync(file, new Uint8Array(await response.arrayBuffer()));
    return 0;
  } catch {
    return 4;
  }
}

async function worker() {
  for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
    const [url, file] = pair;
    const code = await download(url, file);
    if (code === 0) continue;
    console.log(`${code} ${url}`);
    rmSync(file, { force: true });
    status = 1;
  }
}

await Promise.all(Array.from({ length: 6 }, worker));
process.exitCode = status;
