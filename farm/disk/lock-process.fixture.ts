/** A process of its own that wants a state directory, says how it went, and stays until it is killed. */
import { lockState } from './state-lock.ts';

try {
  const lock = lockState(process.argv[2] ?? '');
  console.log('locked');
  process.stdin.on('data', () => {
    lock[Symbol.dispose]();
    console.log('released');
  });
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
