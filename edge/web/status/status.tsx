import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';

export default function Status(): VNode {
  return <h1>{MESSAGES.shell.status}</h1>;
}
