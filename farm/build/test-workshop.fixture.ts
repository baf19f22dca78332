/** A workshop for tests: this machine's own fence, the demo's key, plenty of disk. */
import { GIB } from '../../shared/text/byte-size.ts';
import { demoKey } from '../demo/demo-key.ts';
import { Workshop, type WorkshopOptions } from './workshop.ts';

export const testWorkshop = async (stateDirectory: string, more: Partial<WorkshopOptions> = {}): Promise<Workshop> =>
  await Workshop.open({
    stateDirectory,
    trust: {
      keys: [(await demoKey()).publicKey],
      allowUnsigned: false,
      keysSetting: '--upstream-keys',
      gpgKeyFile: null,
    },
    diskBytes: 20 * GIB,
    reserveBytes: 0,
    mirrorRedirectsTo: [],
    tell: () => {},
    ...more,
  });
