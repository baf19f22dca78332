/** A finished build: its files, each with what it is for, what is in them, and who vouches for them. */
import type { VNode } from 'preact';
import type { FinishedBuild } from '../../../shared/api/build-answers.ts';
import { MESSAGES } from '../messages.ts';
import { FileCard } from './file-card.tsx';
import { Trust } from './trust.tsx';

const text = MESSAGES.builder.result;

/** What most people want first; what is not named here comes after, and boot loaders last. */
const ORDER = ['sysupgrade', 'factory', 'combined-efi', 'combined', 'sdcard', 'emmc', 'initramfs', 'recovery'];

const rankOf = (type: string): number => (ORDER.includes(type) ? ORDER.indexOf(type) : ORDER.length);

export function Result({ build, hash }: { readonly build: FinishedBuild; readonly hash: string }): VNode {
  const files = build.images.toSorted(
    (one, other) => rankOf(one.type) - rankOf(other.type) || (one.name < other.name ? -1 : 1),
  );
  return (
    <>
      <p class="success">{text.ready}</p>
      <h2>{text.files}</h2>
      <ul class="files">
        {files.map((file) => (
          <FileCard key={file.name} file={file} binDir={build.bin_dir} />
        ))}
      </ul>
      <Manifest manifest={build.manifest} />
      <Trust hash={hash} fileName={files[0]?.name ?? ''} />
    </>
  );
}

function Manifest({ manifest }: { readonly manifest: FinishedBuild['manifest'] }): VNode {
  const rows = Object.entries(manifest);
  return (
    <details>
      <summary>{text.manifest(rows.length)}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.package}</th>
            <th scope="col">{text.packageVersion}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, version]) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              <td>
                <code>{version}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
