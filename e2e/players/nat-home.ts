/**
 * A volunteer's home: a network namespace whose one way out is a router, a namespace of its own, that masquerades and lets
 * nothing in. This machine is the internet in front of it. Needs root, iproute2 and nftables. Everything is named after this
 * process, and what a killed run left is removed by the next.
 */
import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { execa } from 'execa';
import { installTools } from '../../farm/install-tools.ts';

const PREFIX = 'asu-nat-';
/** Program → Debian's package. */
const TOOLS = { ip: 'iproute2', nft: 'nftables' } as const;

/** As home routers do it: out for everybody, in for answers only. */
const RULES = `table ip nat_home {
  chain masquerading { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
  chain through { type filter hook forward priority filter; policy drop; iifname "lan" accept; ct state established,related accept; }
  chain in { type filter hook input priority filter; policy drop; iifname != "wan" accept; ct state established,related accept; }
}
`;

export class NatHome {
  /** This machine, as the home sees it. */
  readonly internet: string;
  /** The one address that the internet sees of the home. */
  readonly router: string;
  /** Of the machine in the home. */
  readonly inside: string;
  readonly #home: string;
  readonly #router: string;

  private constructor(net: number) {
    // 198.18.0.0/15 is for measurements of network gear (RFC 2544): routed nowhere.
    this.internet = `198.18.${net}.1`;
    this.router = `198.18.${net}.2`;
    this.inside = `198.19.${net}.2`;
    this.#home = `${PREFIX}${process.pid}-home`;
    this.#router = `${PREFIX}${process.pid}-router`;
  }

  /** Returns the reason where this machine cannot have one. */
  static async open(): Promise<NatHome | string> {
    if (process.getuid?.() !== 0) return 'only root may make network namespaces';
    const missing = await installTools(TOOLS);
    if (missing.length > 0) return `${missing.join(' and ')} cannot be installed`;
    await removeLeftovers();
    const home = new NatHome(freeNet());
    try {
      await home.#build();
      return home;
    } catch (error) {
      await home.close();
      return `the kernel or the container refuses: ${(error as Error).message}`;
    }
  }

  async #build(): Promise<void> {
    const gateway = this.inside.replace(/\.2$/, '.1');
    const wan = `asu${process.pid}`;
    for (const name of [this.#router, this.#home]) {
      await execa`ip netns add ${name}`;
      await execa`ip -n ${name} link set lo up`;
    }
    await execa`ip link add ${wan} type veth peer name wan netns ${this.#router}`;
    await execa`ip address add ${this.internet}/30 dev ${wan}`;
    await execa`ip link set ${wan} up`;
    await execa`ip -n ${this.#router} address add ${this.router}/30 dev wan`;
    await execa`ip -n ${this.#router} link set wan up`;
    await execa`ip -n ${this.#router} link add lan type veth peer name eth0 netns ${this.#home}`;
    await execa`ip -n ${this.#router} address add ${gateway}/24 dev lan`;
    await execa`ip -n ${this.#router} link set lan up`;
    await execa`ip -n ${this.#home} address add ${this.inside}/24 dev eth0`;
    await execa`ip -n ${this.#home} link set eth0 up`;
    await execa`ip -n ${this.#home} route add default via ${gateway}`;
    await execa`ip netns exec ${this.#router} sh -c ${'echo 1 > /proc/sys/net/ipv4/ip_forward'}`;
    await execa({ input: RULES })`ip netns exec ${this.#router} nft -f -`;
    // Even who knows the address behind the router, and how to send there, must not get in.
    await execa`ip route add ${this.inside}/32 via ${this.router}`;
  }

  /** What stands before a command that is to run on the machine in the home. */
  get enter(): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#home];
  }

  /** The same for the router, which is the home's neighbour and the only one. */
  get enterRouter(): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#router];
  }

  /** What runs inside must have ended before. */
  async close(): Promise<void> {
    for (const name of [this.#home, this.#router]) await removeNamespace(name);
  }
}

/** Its ends of the cables go with it, and with these the other ends and their routes. */
const removeNamespace = (name: string) => execa({ reject: false })`ip netns delete ${name}`;

async function removeLeftovers(): Promise<void> {
  const { stdout } = await execa`ip netns list`;
  for (const line of stdout.split('\n')) {
    const [name = ''] = line.split(' ');
    if (name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10)))
      await removeNamespace(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The third number of addresses that nobody on this machine has. */
function freeNet(): number {
  const taken = Object.values(networkInterfaces())
    .flat()
    .map((one) => one?.address ?? '');
  for (;;) {
    const net = randomInt(256);
    if (!taken.some((address) => address.startsWith(`198.18.${net}.`))) return net;
  }
}
