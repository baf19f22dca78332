/** A pass over what is due, beside which no second one runs: whoever asks for one meanwhile waits for that. */
export function oneAtATime(pass: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= pass().finally(() => {
      running = null;
    });
    return running;
  };
}
