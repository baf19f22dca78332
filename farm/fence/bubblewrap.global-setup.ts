/**
 * Sees to it that the farm's tests have bubblewrap: installs it where it may, and says the one line to run where it may not.
 * A skipped test of the fence would look exactly like a passed one.
 */
import { execa } from 'execa';
import { findTool } from '../imagebuilder/host-tools.ts';

const INSTALL = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', 'bubblewrap'];

export default async function setup(): Promise<void> {
  if ((await findTool('bwrap')) !== null) return;
  const aptGet = process.getuid?.() === 0 ? await findTool('apt-get') : null;
  if (aptGet !== null) {
    console.error('Installing bubblewrap for the tests of the fence');
    const options = { reject: false, timeout: 600_000, env: { DEBIAN_FRONTEND: 'noninteractive' } } as const;
    const installed = await execa(aptGet, INSTALL, options);
    // A fresh container has no lists of packages.
    if (installed.failed) {
      await execa(aptGet, ['update'], options);
      await execa(aptGet, INSTALL, options);
    }
  }
  if ((await findTool('bwrap')) === null)
    throw new Error('The tests of the fence need bubblewrap. Run: sudo apt-get install bubblewrap');
}
