/**
 * Sees to it that the farm's tests have the programs they run: installs them where it may, and says the one line to run where
 * it may not. A skipped test of the fence would look exactly like a passed one.
 */
import { execa } from 'execa';
import { mustHaveFence } from './fence/must-have-fence.ts';
import { findTool } from './imagebuilder/host-tools.ts';

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

const INSTALL = ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends'];

export default async function setup(): Promise<void> {
  await installMissing();
  await mustHaveFence();
}

async function installMissing(): Promise<void> {
  const packages = await missingPackages();
  if (packages.length === 0) return;
  const aptGet = process.getuid?.() === 0 ? await findTool('apt-get') : null;
  if (aptGet !== null) {
    console.error(`Installing ${packages.join(' ')} for the tests of the farm`);
    const options = { reject: false, timeout: 600_000, env: { DEBIAN_FRONTEND: 'noninteractive' } } as const;
    const installed = await execa(aptGet, [...INSTALL, ...packages], options);
    // A fresh container has no lists of packages.
    if (installed.failed) {
      await execa(aptGet, ['update'], options);
      await execa(aptGet, [...INSTALL, ...packages], options);
    }
  }
  const missing = await missingPackages();
  if (missing.length > 0)
    throw new Error(`The tests of the farm need ${missing.join(', ')}. Run: sudo apt-get install ${missing.join(' ')}`);
}

async function missingPackages(): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(TOOLS).map(async ([tool, name]) => ((await findTool(tool)) === null ? [name] : [])),
  );
  return [...new Set(found.flat())];
}
