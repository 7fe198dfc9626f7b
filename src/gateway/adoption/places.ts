import { ASKED_KINDS, type AskedKind, isKeyedByName } from '../../mlflow/things/existence.ts';
import { typesSharingNamesWith } from '../../store/namespaces.ts';
import type { IntentAction } from '../../store/types.ts';

/** Where something is looked for upstream. */
export interface Place {
  readonly kind: AskedKind;
  readonly by: 'byName' | 'byId';
  readonly text: string;
}

/** The kind of an intent, as MLflow is asked for it; undefined for one of an older or newer gateway in the same store. */
export function askedKindOf({ kind }: Pick<IntentAction, 'kind'>): AskedKind | undefined {
  return ASKED_KINDS.find((asked) => typesSharingNamesWith(kind).includes(asked));
}

/** The place of the name, or id, that an intent is about. */
export function placeOf({ action, name }: IntentAction, kind: AskedKind): Place {
  // What is created is called by its name; what is deleted by its id, which is its name where there is no other.
  const by = action === 'delete' && !isKeyedByName(kind) ? 'byId' : 'byName';
  return { kind, by, text: name };
}

/** Every place that an intent is about, what it takes from before what it brings to. */
export function placesOf(action: IntentAction): readonly Place[] {
  const kind = askedKindOf(action);
  if (kind === undefined) {
    return [];
  }
  const from = placeOf(action, kind);
  return action.action === 'rename' ? [from, { ...from, text: action.newName }] : [from];
}

/** One text for each place. */
export const keyOf = ({ kind, by, text }: Place): string => `${kind} ${by} ${text}`;

/** The intents that are about the same places as one of them, or as others that are, in the order given. */
export function aboutTheSame<T extends IntentAction>(one: IntentAction, all: readonly T[]): readonly T[] {
  const places = new Set(placesOf(one).map(keyOf));
  const found = new Set<T>();
  let grows = true;
  while (grows) {
    const sizeBefore = found.size;
    for (const intent of all) {
      const keys = placesOf(intent).map(keyOf);
      if (keys.some((key) => places.has(key))) {
        found.add(intent);
        for (const key of keys) {
          places.add(key);
        }
      }
    }
    grows = found.size > sizeBefore;
  }
  return all.filter((intent) => found.has(intent));
}
