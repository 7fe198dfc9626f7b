import {
  type AskedKind,
  type Existence,
  existenceTarget,
  isAskedKind,
  readExistence,
} from '../../mlflow/things/existence.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { ALL } from '../../policy/resources.ts';
import { unusable } from '../failure.ts';
import type { Ask } from './send.ts';

/** What a command is about. */
export interface Thing {
  /** As MLflow 3's permissions API names it, such as `experiment`. */
  readonly type: string;
  readonly id: string;
}

/** What is found at an id: a thing, nothing, a thing of which it is the name, or the server does not say. */
export type Found = 'there' | 'nothing' | 'impossible' | 'unsaid' | { readonly meantId: string };

/** Looks at what an id names. `impossible` is an id that nothing can have. */
export async function lookAt({ type, id }: Thing, ask: Ask): Promise<Found> {
  // Prompts share the names of registered models.
  const kind = type === 'prompt' ? 'registered_model' : type;
  if (id === ALL || !isAskedKind(kind)) {
    return 'unsaid';
  }
  const possible = isCanonical(kind, id);
  const byId = possible ? await exists(kind, 'byId', id, ask) : 'missing';
  if (byId !== 'missing') {
    return byId === 'unclear' ? 'unsaid' : 'there';
  }
  const byName = await exists(kind, 'byName', id, ask);
  if (typeof byName === 'object') {
    return { meantId: byName.id };
  }
  return !possible ? 'impossible' : byName === 'missing' ? 'nothing' : 'unsaid';
}

/** The id of a thing that is named by its id or, where things have both, by its name. */
export async function idOf(thing: Thing, ask: Ask): Promise<string> {
  const found = await lookAt(thing, ask);
  return typeof found === 'object' ? found.meantId : thing.id;
}

/** A sentence on what was found, if it is not what was meant; undefined if there is nothing to say. */
export function remarkOn({ type, id }: Thing, found: Found): string | undefined {
  const [shown, kind] = [JSON.stringify(id), type.replaceAll('_', ' ')];
  if (typeof found === 'object') {
    return `${shown} is a name where an id belongs: the ${kind} of that name has the id ${found.meantId}.`;
  }
  switch (found) {
    case 'impossible':
      return `No ${kind} can have the id ${shown}.`;
    case 'nothing':
      return `There is no ${kind} ${shown}.`;
    default:
      return undefined;
  }
}

/**
 * Ends a command that is about to write down an id that nothing can have.
 *
 * @throws CommandFailure (exit code 2), for a name where an id belongs with the id that is meant.
 */
export function insistOnId(thing: Thing, found: Found): void {
  if (typeof found === 'object' || found === 'impossible') {
    throw unusable(`${remarkOn(thing, found)} Nothing was changed.`);
  }
}

async function exists(kind: AskedKind, by: 'byName' | 'byId', text: string, ask: Ask): Promise<Existence> {
  return readExistence(kind, by, text, await ask(existenceTarget(kind, by, text)));
}
