/** The builder: an image is chosen at `/`, and the build of one is looked at where its address is. */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Place } from '../location.ts';
import { BuildPage } from './build-page.tsx';
import './builder.css';
import { ChooseImage } from './choose-image.tsx';

const OF_BUILD = '/build/';

export default function Builder({ place }: { readonly place: Place }): VNode {
  // Kept here and nowhere else, so that it is still there when the reader comes back from a build to change the selection.
  const [script, setScript] = useState('');
  const hasForm = useRef(false);
  if (place.path.startsWith(OF_BUILD)) {
    const hash = place.path.slice(OF_BUILD.length);
    return <BuildPage key={hash} hash={hash} isFromForm={hasForm.current} />;
  }
  hasForm.current = true;
  return <ChooseImage query={place.query} script={script} onScript={setScript} />;
}
