/**
 * What a member of an ImageBuilder's archive may be (CVE-2007-4559 and its kin): below one top directory, a file, a directory
 * or a link, and no link that leads out. Pure, because it is what stands between an archive and the node's disk.
 *
 * Links are judged twice: nothing is ever written *through* one, and once all members are known each link is followed, one
 * step at a time, to where it really leads (`d -> ..` and `d/../x` are harmless only each by itself).
 */
import { quoted } from '../../shared/text/printable.ts';
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';
import type { TarMember } from './tar-reader.ts';

/** An ImageBuilder has `staging_dir/host/bin/perl -> /usr/bin/perl` and the like: tools that its prereq check found. */
const HOST_TOOL_DIRECTORY = 'staging_dir/host/bin';
const HOST_TOOL = /^\/(?:usr\/)?(?:local\/)?s?bin\/[A-Za-z0-9_.+-]+$/;
const MAX_LINK_STEPS = 40;
/** Below the node's own directory it must fit into PATH_MAX, which is 4096. Each directory on its way is looked up. */
const MAX_NAME_LENGTH = 1024;
/**
 * Of the paths that are looked up while all links are followed. Some thousand real ones have a million or two; a hundred
 * thousand that are made for it would keep a node at nothing else for an hour.
 */
const MAX_WALKED_LENGTH = 32 * 1024 ** 2;

export interface AcceptedMember {
  /** Below the top directory; empty for the top directory itself. */
  readonly path: string;
  /** Of a hard link: the path of the file that it names, below the top directory. */
  readonly linkedPath: string;
}

export class ArchivePolicy {
  readonly #maxMembers: number;
  #top: string | undefined;
  #members = 0;
  #walkedLength = 0;
  readonly #links = new Map<string, string>();
  readonly #files = new Set<string>();

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers;
  }

  /** @throws Error naming the member that must not be unpacked */
  accept(member: TarMember): AcceptedMember {
    if (++this.#members > this.#maxMembers) throw new Error(`expected at most ${this.#maxMembers} members, got more`);
    if (Math.max(member.path.length, member.linkTarget.length) > MAX_NAME_LENGTH)
      refuse(member, `has a name or a target of more than ${MAX_NAME_LENGTH} characters`);
    if (member.type === 'other') refuse(member, 'is neither file, directory nor link');
    const path = this.#below(member, member.path);
    if (path === '' && member.type !== 'directory') refuse(member, 'stands where the top directory should be');
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      if (this.#links.has(parent) || this.#files.has(parent))
        refuse(member, 'lies below something that is no directory');
    }
    if (this.#links.has(path) || (this.#files.has(path) && member.type !== 'directory'))
      refuse(member, 'is in the archive twice');
    if (member.type === 'directory') {
      if (this.#files.has(path)) refuse(member, 'is in the archive twice');
      return { path, linkedPath: '' };
    }
    if (member.type === 'symlink') {
      this.#acceptLink(member, path);
      return { path, linkedPath: '' };
    }
    const linkedPath = member.type === 'hardlink' ? this.#below(member, member.linkTarget) : '';
    if (member.type === 'hardlink' && !this.#files.has(linkedPath))
      refuse(member, 'is a hard link to something that is not in the archive before it');
    this.#files.add(path);
    return { path, linkedPath };
  }

  /** To be called after the last member. @throws Error naming a link that leaves the top directory */
  finish(): void {
    if (this.#top === undefined) throw new Error('expected an archive with members, got an empty one');
    for (const [path, target] of this.#links) {
      if (isHostTool(path, target)) continue;
      if (!this.#staysInside(path))
        throw new Error(`${quoted(path, 200)}: is a link that leaves the archive (${quoted(target, 200)})`);
    }
  }

  #acceptLink(member: TarMember, path: string): void {
    const target = member.linkTarget;
    if (target === '' || target.includes('\0')) refuse(member, 'is a link to nothing');
    if (target.startsWith('/') && !isHostTool(path, target))
      refuse(member, `is a link that leaves the archive (${quoted(target, 200)})`);
    this.#links.set(path, target);
  }

  #below(member: TarMember, name: string): string {
    const parts = withoutTrailingSlashes(name.replace(/^(?:\.\/)+/, '')).split('/');
    if (name.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
      refuse(member, 'has a path that is absolute, climbs or is empty in part');
    const [top, ...rest] = parts;
    this.#top ??= top;
    if (top !== this.#top) refuse(member, `lies outside of the top directory ${quoted(this.#top ?? '', 200)}`);
    return rest.join('/');
  }

  /** Walks the link's target from its directory; every link on the way is walked in its turn. */
  #staysInside(path: string): boolean {
    let steps = 0;
    const walk = (from: string, target: string): string | null => {
      let at = from;
      this.#walk(target.length);
      for (const part of target.split('/')) {
        if (part === '' || part === '.') continue;
        if (part === '..') {
          if (at === '') return null;
          at = directoryOf(at);
          continue;
        }
        const next = at === '' ? part : `${at}/${part}`;
        this.#walk(next.length);
        const link = this.#links.get(next);
        if (link === undefined) at = next;
        // A host tool is a leaf: nothing of the archive can lie behind it. A loop leads nowhere, so not outside either.
        else if (isHostTool(next, link) || ++steps > MAX_LINK_STEPS) return at;
        else {
          const reached = walk(at, link);
          if (reached === null) return null;
          at = reached;
        }
      }
      return at;
    };
    return walk(directoryOf(path), this.#links.get(path) ?? '') !== null;
  }

  #walk(length: number): void {
    this.#walkedLength += length;
    if (this.#walkedLength > MAX_WALKED_LENGTH)
      throw new Error(`expected links that are followed by ${MAX_WALKED_LENGTH} characters of paths, got longer ways`);
  }
}

const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

const isHostTool = (path: string, target: string): boolean =>
  path.startsWith(`${HOST_TOOL_DIRECTORY}/`) &&
  path.lastIndexOf('/') === HOST_TOOL_DIRECTORY.length &&
  HOST_TOOL.test(target) &&
  !target.endsWith('/..') &&
  !target.endsWith('/.');

function refuse(member: TarMember, why: string): never {
  throw new Error(`${quoted(member.path, 200)}: ${why}`);
}
