/** What defaults are made from: how big is this machine? Asked in one place, so that tests may speak of other machines. */
import os from 'node:os';

export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly hostname: string;
}

export const thisMachine = (): Machine => ({
  cores: os.availableParallelism(),
  // In a container the machine's memory is not ours; 0 is said where nothing bounds it.
  memoryBytes: Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
  hostname: os.hostname(),
});
