/**
 * OpenWrt's usign keys, which sign `sha256sums` of every target. Source: the page docs/guide-user/security/signatures of
 * OpenWrt's wiki (a copy of late 2024); each id was recomputed from its key.
 *
 * Missing: the release keys of 23.05 and of 25.12, which that page does not have. Until an operator takes them from
 * OpenWrt's keyring repository and adds them with UPSTREAM_KEYS, targets of those releases are `unavailable` and the
 * reason says so. We do not guess: a key called "24.10 release builds" with the id 2e724001fb65916f goes around in
 * scripts and is not OpenWrt's.
 */
import { branchName, isSnapshot } from './branch.ts';

interface OpenwrtKey {
  /** What it signs: the releases of a branch, or `SNAPSHOT`. */
  readonly branch: string;
  readonly keyId: string;
  readonly key: string;
}

export const OPENWRT_USIGN_KEYS: readonly OpenwrtKey[] = [
  { branch: '17.01', keyId: '792d9d9b39f180dc', key: 'RWR5LZ2bOfGA3FGliZosEDhodiAKDOISmQs/mmjo4rhcbFtqkibJqMzo' },
  { branch: '18.06', keyId: '1035ac73cc4e59e3', key: 'RWQQNaxzzE5Z41cVmEh2rilAPKLsyfPKm+S4BJWA1Yv+LP1hKebmGtXi' },
  { branch: '19.07', keyId: 'f94b9dd6febac963', key: 'RWT5S53W/rrJY9BiIod3JF04AZ/eU1xDpVOb+rjZzAQBEcoETGx8BXEK' },
  { branch: '21.02', keyId: '2f8b0b98e08306bf', key: 'RWQviwuY4IMGvwLfs6842A0m4EZU1IjczTxKMSk3BQP8DAQLHBwdQiaU' },
  { branch: '22.03', keyId: '4d017e6f1ed5d616', key: 'RWRNAX5vHtXWFmt+n5di7XX8rTu0w+c8X7Ihv4oCyD6tzsUwmH0A6kO0' },
  { branch: '24.10', keyId: 'd310c6f2833e97f7', key: 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw' },
  { branch: 'SNAPSHOT', keyId: 'b5043e70f9a75cde', key: 'RWS1BD5w+adc3j2Hqg9+b66CvLR7NlHbsj7wjNVj0XGt/othDgIAOJS+' },
];

/**
 * Built-in keys that may sign a version: those of its own branch only, since a key of 2017 that leaks must not vouch for
 * this year's release. A branch's snapshots are built by the same machines as main's or as its releases.
 */
export const openwrtKeysFor = (version: string): readonly OpenwrtKey[] =>
  OPENWRT_USIGN_KEYS.filter(
    ({ branch }) => branch === branchName(version) || (branch === 'SNAPSHOT' && isSnapshot(version)),
  );
