/** Resource types that share one space of names, and therefore gain and lose their grants together. */
const FAMILIES: readonly (readonly string[])[] = [
  // MLflow keeps prompts in the model registry: a name is a model or a prompt, never both.
  ['registered_model', 'prompt'],
];

/** The resource types whose grants a name of this kind can carry. */
export function typesSharingNamesWith(kind: string): readonly string[] {
  return FAMILIES.find((family) => family.includes(kind)) ?? [kind];
}

/** The resource type whose things lie in those of another and are named `<that one's id>/<name>`. */
const INNER_TYPES: ReadonlyMap<string, string> = new Map([['experiment', 'scorer']]);

/** The resource type of what lies in things of this kind and goes with them; undefined if nothing of it holds grants. */
export function typeInside(kind: string): string | undefined {
  return INNER_TYPES.get(kind);
}
