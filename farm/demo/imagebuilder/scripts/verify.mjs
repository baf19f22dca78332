// verify's quick way (see `verify`): all files in one process, with node's own Ed25519.
import { createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const directory = `${process.env.TOPDIR}/keys`;
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const payload = (text) =>
  Buffer.from(text.split('\n').find((line) => line && !line.startsWith('untrusted comment:')) ?? '', 'base64');

/** A usign key goes by its id; a PEM key has none and is tried on every signature. */
function readKey(name) {
  const text = readFileSync(`${directory}/${name}`, 'utf8');
  if (name.endsWith('.pem')) return { key: createPublicKey(text) };
  const key = createPublicKey({
    key: Buffer.concat([spkiPrefix, payload(text).subarray(10)]),
    format: 'der',
    type: 'spki',
  });
  return { id: name, key };
}

const keys = readdirSync(directory).flatMap((name) => {
  try {
    return [readKey(name)];
  } catch {
    return []; // a private or foreign key file
  }
});

function passes(file) {
  try {
    const raw = payload(readFileSync(`${file}.sig`, 'utf8'));
    if (raw.length !== 74) return false;
    const id = raw.subarray(2, 10).toString('hex');
    const message = readFileSync(file);
    return keys.some((key) => (key.id ?? id) === id && verify(null, message, key.key, raw.subarray(10)));
  } catch {
    return false;
  }
}

for (const file of process.argv.slice(2)) if (!passes(file)) console.log(file);
