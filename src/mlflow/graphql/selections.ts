import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** The fragments of a document by name. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** The fragments of a document; of two with one name, which validation refuses, the last. */
export function fragmentsOf(document: DocumentNode): Fragments {
  return new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
}

/**
 * The fields that selection sets ask for at their own level, fragments opened, each fragment once.
 *
 * Conditions on a type are not looked at: MLflow's schema has no interfaces or unions, so that a
 * fragment that is valid always applies.
 */
export function fieldsOf(sets: readonly SelectionSetNode[], fragments: Fragments): FieldNode[] {
  const fields: FieldNode[] = [];
  const opened = new Set<string>();
  const open = [...sets];
  // Grows while it is walked.
  for (const set of open) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        fields.push(selection);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        open.push(selection.selectionSet);
      } else if (!opened.has(selection.name.value)) {
        opened.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) {
          open.push(fragment.selectionSet);
        }
      }
    }
  }
  return fields;
}

/** The fields of selections, by the key under which the answer will carry them: fields with one key become one. */
export function fieldsByKey(
  sets: readonly SelectionSetNode[],
  fragments: Fragments,
): Map<string, [FieldNode, ...FieldNode[]]> {
  const byKey = new Map<string, [FieldNode, ...FieldNode[]]>();
  for (const field of fieldsOf(sets, fragments)) {
    const key = (field.alias ?? field.name).value;
    const others = byKey.get(key);
    if (others) {
      others.push(field);
    } else {
      byKey.set(key, [field]);
    }
  }
  return byKey;
}
