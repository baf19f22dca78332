/** Whether who asks has it already: `If-None-Match` as RFC 9110, 13.1.2 has it, a list, weak or strong, or `*`. */
export const etagMatches = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
