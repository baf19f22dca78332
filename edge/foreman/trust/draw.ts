/** From 0 up to 1, so that nobody outside can foresee it: by it a node is watched. */
export const draw = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
