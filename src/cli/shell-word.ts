/**
 * A text as one word of a POSIX shell, which expands nothing in it. Users choose names of models, and an admin runs what
 * is printed about them.
 */
export function shellWord(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
