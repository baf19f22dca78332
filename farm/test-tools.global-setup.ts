/**
 * Sees to it that the farm's tests have the programs they run: installs them where it may, and says the one line to run where
 * it may not. A skipped test of the fence would look exactly like a passed one.
 */
import { mustHaveFence } from './fence/must-have-fence.ts';
import { installTools } from './install-tools.ts';

/** Program → Debian's package. */
const TOOLS: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  make: 'make',
  gpg: 'gpg',
  gpgconf: 'gpgconf',
  'gpg-agent': 'gpg-agent',
  xz: 'xz-utils',
  zstd: 'zstd',
};

export default async function setup(): Promise<void> {
  const missing = await installTools(TOOLS);
  if (missing.length > 0)
    throw new Error(`The tests of the farm need ${missing.join(', ')}. Run: sudo apt-get install ${missing.join(' ')}`);
  await mustHaveFence();
}
