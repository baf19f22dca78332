/**
 * Distributions as routers of 2018 name them: in any case, for some wrote the name of the project and others its directory.
 * LEDE became OpenWrt; its routers are offered what OpenWrt releases.
 */
import { BuildError } from '../build/build-error.ts';
import { type Distro, findDistro, OPENWRT } from '../upstream/distro.ts';

/** @throws BuildError `unsupported` */
export function neededDistro(distros: readonly Distro[], name: string): Distro {
  const distro = distroNamed(distros, name);
  if (!distro) throw new BuildError('unsupported', `unknown distribution ${name}`);
  return distro;
}

export function distroNamed(distros: readonly Distro[], name: string): Distro | undefined {
  const wanted = name.toLowerCase();
  const named = distros.find((distro) => distro.name.toLowerCase() === wanted);
  return named ?? (wanted === 'lede' ? findDistro(distros, OPENWRT.name) : undefined);
}
