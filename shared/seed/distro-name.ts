/**
 * Distributions as routers of 2018 name them: in any case, for some wrote the name of the project and others its directory.
 * LEDE became OpenWrt; its routers are offered what OpenWrt releases.
 */
import { type Distro, findDistro, OPENWRT } from '../distro.ts';

export function distroNamed(distros: readonly Distro[], name: string): Distro | undefined {
  const wanted = name.toLowerCase();
  const named = distros.find((distro) => distro.name.toLowerCase() === wanted);
  return named ?? (wanted === 'lede' ? findDistro(distros, OPENWRT.name) : undefined);
}
