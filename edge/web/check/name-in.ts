/** `20230523`, `-14`: what stands behind the name of a library. */
const ABI = /^-?\d[\w.]*$/;

/** The name under which an installed package goes on: its own, or that without the version of its ABI. Null: under none. */
export function nameIn(offered: ReadonlySet<string>, installed: string): string | null {
  if (offered.has(installed)) return installed;
  for (let length = installed.length - 1; length > 2; length--) {
    const bare = installed.slice(0, length);
    if (offered.has(bare) && ABI.test(installed.slice(length))) return bare;
  }
  return null;
}
