/** A build that waits or runs: how many are before it, which step it is at, and how long it will take. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PendingBuild } from '../../../shared/api/build-answers.ts';
import { MESSAGES } from '../messages.ts';
import { minutesOf, sizeText } from './figures.ts';

const text = MESSAGES.builder.build;

type Stage = keyof typeof text.words;
const STAGES = Object.keys(text.words) as Stage[];

/** A word that is none of these is a step of a newer server. */
const STAGE_OF: Readonly<Record<string, Stage>> = {
  queued: 'queue',
  init: 'prepare',
  download_imagebuilder: 'prepare',
  unpack_imagebuilder: 'prepare',
  container_setup: 'prepare',
  validate_revision: 'check',
  validate_manifest: 'check',
  calculate_packages_hash: 'check',
  building_image: 'make',
  signing_images: 'store',
};

export function Progress({ build }: { readonly build: PendingBuild }): VNode {
  const stage = STAGE_OF[build.imagebuilder_status] ?? 'make';
  const at = STAGES.indexOf(stage);
  return (
    <section class="card progress" aria-label={text.steps}>
      <p class="now" role="status">
        {sentence(build, stage)}
      </p>
      <p class="quiet">
        {text.eta(minutesOf(useRemaining(build)))} {text.stay}
      </p>
      <ol class="steps">
        {STAGES.map((name, index) => (
          <li
            key={name}
            class={index < at ? 'past' : index === at ? 'current' : 'ahead'}
            aria-current={index === at ? 'step' : undefined}
          >
            {text.words[name]}
            {index < at && <span class="hidden">, {text.past}</span>}
          </li>
        ))}
      </ol>
      {'progress' in build && build.progress && <Transfer {...build.progress} />}
    </section>
  );
}

const TICK_MS = 5_000;

/** Nobody is told again of an estimate that only shrinks. */
function useRemaining(build: PendingBuild): number {
  const [passed, setPassed] = useState({ build, seconds: 0 });
  useEffect(() => {
    const toldAt = Date.now();
    const count = (): void => setPassed({ build, seconds: (Date.now() - toldAt) / 1000 });
    const timer = setInterval(count, TICK_MS);
    return () => clearInterval(timer);
  }, [build]);
  return Math.max(1, build.eta_seconds - (passed.build === build ? passed.seconds : 0));
}

/** What it waits for beside a machine, only the server can say. */
function sentence(build: PendingBuild, stage: Stage): string {
  if (!('queue_position' in build)) return text.running(text.words[stage]);
  return build.detail === 'queued' ? text.next(build.queue_position) : build.detail;
}

function Transfer({ bytes, total }: { readonly bytes: number; readonly total: number }): VNode {
  const said = text.transfer(sizeText(bytes), sizeText(total));
  return (
    <p class="transfer">
      <progress value={bytes} max={total} aria-label={said} />
      <span class="quiet small">{said}</span>
    </p>
  );
}
