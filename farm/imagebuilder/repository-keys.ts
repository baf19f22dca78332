/**
 * Keys for foreign repositories, as the files that opkg and apk look for in the tree's `keys/`. Whoever can put a key there
 * owns the result, so a key is parsed and written anew: of what was sent, only the key itself reaches the disk.
 */
import { BuildError } from '../../shared/build-error.ts';
import { parseUsignPublicKey } from '../../shared/usign.ts';

export interface KeyFile {
  readonly name: string;
  readonly content: string;
}

const PEM = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]{1,1024})\n-----END PUBLIC KEY-----$/;

/** @throws BuildError `bad_request` for a text that is neither a usign nor a PEM public key */
export function keyFiles(keys: readonly string[]): KeyFile[] {
  return keys.map((key, index) => {
    const text = key.trim();
    // apk tries every *.pem; the names only have to differ.
    if (PEM.test(text)) return { name: `repository-${index}.pem`, content: `${text}\n` };
    try {
      const { keyId } = parseUsignPublicKey(text);
      const base64 = text.split('\n').at(-1) ?? '';
      return { name: keyId, content: `untrusted comment: ${keyId}\n${base64.trim()}\n` };
    } catch (cause) {
      throw new BuildError('bad_request', `Repository key ${index + 1} is neither a usign nor a PEM public key`, {
        cause,
      });
    }
  });
}
