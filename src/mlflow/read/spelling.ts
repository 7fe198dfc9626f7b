/** The spelling a client chose for a field; a body with both was refused before. */
export function spellingOf(holder: Readonly<Record<string, unknown>>, name: string): string | undefined {
  if (name in holder) {
    return name;
  }
  const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return camel in holder ? camel : undefined;
}
