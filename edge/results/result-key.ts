/** KV keys of whole results: by what was asked, and by the name of the build. */
export const resultKey = {
  intent: (intentHash: string): string => `result/intent/${intentHash}`,
  build: (requestHash: string): string => `result/build/${requestHash}`,
};
