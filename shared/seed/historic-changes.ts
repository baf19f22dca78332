/**
 * What happened to packages when LEDE 17.01 became OpenWrt 18.06, as data. Clients of that time know nothing of it, and the table
 * of today (package-changes.ts) begins in 2022.
 */
import { branchName } from '../upstream/branch.ts';

interface HistoricChange {
  readonly source: string;
  /** Only where one of these is installed as well. */
  readonly beside?: readonly string[];
  /** Absent: the package is gone. */
  readonly target?: string;
}

/** Of rows with the same source the first that fits counts. */
const HISTORIC_CHANGES: readonly HistoricChange[] = [
  { source: 'kmod-ipv6' },
  { source: 'polarssl', target: 'mbedtls' },
  { source: 'openvpn', beside: ['polarssl', 'mbedtls'], target: 'openvpn-mbedtls' },
  { source: 'openvpn', target: 'openvpn-openssl' },
  { source: 'libmicrohttpd', target: 'libmicrohttpd-no-ssl' },
];

const SOURCES: ReadonlySet<string> = new Set(HISTORIC_CHANGES.map(({ source }) => source));
const LAST_BRANCH = '17.01';

/** True for a version that the table is about. Branches' names are in order as texts, and main's comes last. */
export function isHistoric(version: string): boolean {
  const branch = branchName(version);
  return branch !== null && branch <= LAST_BRANCH;
}

export const isHistoricSource = (name: string): boolean => SOURCES.has(name);

/** The name that came after 17.01; null: the package is gone. */
export function historicName(name: string, installed: Pick<ReadonlySet<string>, 'has'>): string | null {
  const change = HISTORIC_CHANGES.find(
    ({ source, beside }) => source === name && (beside?.some((other) => installed.has(other)) ?? true),
  );
  return change === undefined ? name : (change.target ?? null);
}
