import type { ReferenceKind } from '../mlflow/table/row.ts';
import type { JsonObject } from '../mlflow/upstream/answer-json.ts';
import type { Decision } from '../policy/decide.ts';
import type { Action } from '../policy/permissions.ts';
import type { InnerKind, Root } from '../policy/resources.ts';

/** One thing that a request touches, and what is to be done to it. */
export interface Reference {
  readonly kind: ReferenceKind;
  readonly id: string;
  readonly action: Action;
  /** It need not exist yet; if it does, it must belong to this experiment. */
  readonly fresh?: { readonly in: string | undefined };
  /** The thing as MLflow has just listed it. */
  readonly row?: JsonObject;
  /** Things of this kind inside it are meant. */
  readonly part?: InnerKind;
  /** What grants on all of that kind must allow, where that is more. */
  readonly tierAction?: Action;
  /** What an address in storage may come from: it must lie in the files of one of these. */
  readonly cameFrom?: readonly { readonly kind: 'run' | 'logged_model'; readonly id: string }[];
}

/** What was decided about a reference, and on which roots. */
export interface Judgement extends Decision {
  /** What holds the grants that decided; empty if the reference leads to nothing. */
  readonly roots: readonly Root[];
}

/** A reference with its judgement. */
export interface Judged extends Judgement {
  readonly reference: Reference;
}
