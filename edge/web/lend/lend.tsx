import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';

export default function Lend(): VNode {
  return <h1>{MESSAGES.shell.lend}</h1>;
}
