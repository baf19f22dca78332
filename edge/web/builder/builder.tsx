import type { VNode } from 'preact';
import { MESSAGES } from '../messages.ts';

export default function Builder(): VNode {
  return <h1>{MESSAGES.shell.build}</h1>;
}
