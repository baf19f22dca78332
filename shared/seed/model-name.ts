/** A device's name for people, as a running system has it in `/tmp/sysinfo/model`: what the old API calls `model`. */
export type Title = Readonly<Record<string, string>>;

/** Upstream writes a title in one piece, or as vendor, model and variant; "" where it has none of them. */
export const modelName = ({ title, vendor, model, variant }: Title): string =>
  title ?? [vendor, model, variant].filter((part) => part).join(' ');
