import {
  type DocumentNode,
  type FieldNode,
  getArgumentValues,
  Kind,
  type OperationDefinitionNode,
  print,
  separateOperations,
  type VariableValues,
  valueToLiteral,
  visit,
} from 'graphql';
import { NOWHERE } from '../things/identifiers.ts';
import type { Operation } from './operation.ts';
import { ROOT_FIELDS } from './root-fields.ts';
import { schema } from './schema.ts';

/**
 * Writes the chosen operation anew, with its lists of experiments cut down. Where nothing of a list is left, MLflow is
 * asked about an experiment that is not there.
 *
 * The whole input of such a field is written into the document, variables and defaults in place: what was judged is
 * what MLflow reads, wherever the list stood. What is not used then any more, variables, fragments and other
 * operations, is left out, as MLflow refuses what is not used.
 *
 * @returns the text of the document.
 */
export function writeNarrowed(
  { document, name, root, fields }: Operation,
  variables: VariableValues,
  mayRead: (experimentId: string) => boolean,
): string {
  const replaced = new Map<FieldNode, FieldNode>();
  for (const field of fields) {
    const rule = ROOT_FIELDS.get(field.name.value);
    const definition = schema.getField(root, field.name.value);
    if (rule?.touches !== 'readable' || definition === undefined) {
      continue;
    }
    const { input } = getArgumentValues(definition, field, variables);
    const type = definition.args.find((argument) => argument.name === 'input')?.type;
    const ids = (input as Readonly<Record<string, readonly string[]>>)[rule.from] ?? [];
    if (type === undefined || ids.every(mayRead)) {
      continue;
    }
    const readable = ids.filter(mayRead);
    const narrowed = { ...Object(input), [rule.from]: readable.length === 0 ? [NOWHERE] : readable };
    const value = valueToLiteral(narrowed, type);
    if (value === undefined) {
      throw new Error(`the input of ${field.name.value} cannot be written`);
    }
    replaced.set(field, {
      ...field,
      arguments: [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'input' }, value }],
    });
  }
  const own = separateOperations(document)[name ?? ''] ?? document;
  return print(withoutUnused(visit(own, { Field: (node) => replaced.get(node) })));
}

/** A document of one operation without the variables that nothing in it reads. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => {
      used.add(name.value);
    },
  });
  return visit(document, {
    OperationDefinition: (node): OperationDefinitionNode => ({
      ...node,
      variableDefinitions:
        node.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [],
    }),
  });
}
