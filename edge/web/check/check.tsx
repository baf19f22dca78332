import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';

export default function Check(): VNode {
  return <h1>{MESSAGES.shell.check}</h1>;
}
