/** Is every program there that an ImageBuilder calls? */
import { hostTools } from '../../imagebuilder/host-tools.ts';
import { type Check, ok, problem } from '../check.ts';

export const hostToolsCheck: Check = {
  id: 'tools',
  patienceMs: 30_000,
  run: async ({ toolDirectories }) => {
    const tools = await hostTools('openwrt', toolDirectories);
    const missing = tools.filter(({ isPresent }) => !isPresent);
    if (missing.length === 0) return ok(`all ${tools.length} tools that ImageBuilders need are there`);
    return missing.map((tool) =>
      problem(`${tool.tool} is missing`, `install Debian's package ${tool.package}`, [tool.package]),
    );
  },
};
