/** What a client has read before it asks for a build: the device's own packages and the versions of all. */
import { PROFILE, TARGET, VERSION } from '../cheap-builds.ts';

export interface Catalogue {
  readonly revision: string;
  /** What is in an image that nobody adds anything to. */
  readonly ownPackages: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

interface Profiles {
  readonly version_code: string;
  readonly arch_packages: string;
  readonly default_packages: readonly string[];
  readonly profiles: Readonly<Record<string, { readonly device_packages: readonly string[] }>>;
}

export async function readCatalogue(edgeUrl: string, mirrorUrl: string): Promise<Catalogue> {
  const json = async (url: string): Promise<unknown> => {
    const answer = await fetch(url);
    if (answer.status !== 200) throw new Error(`${url}: status ${answer.status}`);
    return answer.json();
  };
  const profiles = (await json(`${mirrorUrl}/releases/${VERSION}/targets/${TARGET}/profiles.json`)) as Profiles;
  const base = `${edgeUrl}/json/v1/releases/${VERSION}`;
  const ofTarget = (await json(`${base}/targets/${TARGET}/index.json`)) as { packages: Record<string, string> };
  const ofArch = (await json(`${base}/packages/${profiles.arch_packages}-index.json`)) as Record<string, string>;
  return {
    revision: profiles.version_code,
    ownPackages: [...profiles.default_packages, ...(profiles.profiles[PROFILE]?.device_packages ?? [])],
    versions: { ...ofTarget.packages, ...ofArch },
  };
}
