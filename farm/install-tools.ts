/**
 * Sees to it that programs which tests run are there: installs them where it may, and tells what is still missing. A test that
 * is skipped for want of a program would look exactly like a passed one.
 */
import { execa } from 'execa';
import { findTool } from './imagebuilder/host-tools.ts';

const INSTALL = ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends'];

/** `tools`: program → Debian's package. Returns the packages that are missing all the same. */
export async function installTools(tools: Readonly<Record<string, string>>): Promise<string[]> {
  const packages = await missingPackages(tools);
  const aptGet = packages.length > 0 && process.getuid?.() === 0 ? await findTool('apt-get') : null;
  if (aptGet === null) return packages;
  console.error(`Installing ${packages.join(' ')} for the tests`);
  const options = { reject: false, timeout: 600_000, env: { DEBIAN_FRONTEND: 'noninteractive' } } as const;
  const installed = await execa(aptGet, [...INSTALL, ...packages], options);
  // A fresh container has no lists of packages.
  if (installed.failed) {
    await execa(aptGet, ['update'], options);
    await execa(aptGet, [...INSTALL, ...packages], options);
  }
  return missingPackages(tools);
}

async function missingPackages(tools: Readonly<Record<string, string>>): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(tools).map(async ([tool, name]) => ((await findTool(tool)) === null ? [name] : [])),
  );
  return [...new Set(found.flat())];
}
