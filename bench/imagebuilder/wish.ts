/** The image that everybody makes. */
export interface Wish {
  readonly target: string;
  readonly profile: string;
  /** Beside the defaults. */
  readonly packages: readonly string[];
}

export const WISH: Wish = { target: 'demo64/generic', profile: 'generic', packages: ['luci', 'vim'] };
