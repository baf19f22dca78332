import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import type { FinishedBuild } from '../../../shared/api/build-answers.ts';
import { Copy } from '../copy.tsx';
import { MESSAGES } from '../messages.ts';
import { sizeText } from './figures.ts';

const text = MESSAGES.builder.result;

interface Props {
  readonly file: FinishedBuild['images'][number];
  readonly binDir: string;
}

/** One file of an image: what it is for, before how it is called. */
export function FileCard({ file: { name, type, filesystem, size, sha256 }, binDir }: Props): VNode {
  const digest = useRef<HTMLElement>(null);
  const { title, text: use } = (Object.hasOwn(text.types, type) ? text.types[type] : undefined) ?? text.other;
  return (
    <li class="card file">
      <div class="use">
        <h3>
          {title} <span class="quiet small">{[type, filesystem].filter(Boolean).join(', ')}</span>
        </h3>
        <p>{use}</p>
        <p class="small">
          <code>{name}</code> <span class="quiet">{sizeText(size)}</span>
        </p>
      </div>
      <a
        class="button first"
        href={`/store/${binDir}/${encodeURIComponent(name)}`}
        download={name}
        aria-label={text.downloadOf(name)}
      >
        {text.download}
      </a>
      <p class="digest small">
        <span class="quiet">sha256</span> <code ref={digest}>{sha256}</code>
        <Copy text={sha256} what={text.sha256Of(name)} shown={digest} />
      </p>
    </li>
  );
}
