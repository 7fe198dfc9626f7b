import type { SignedIn } from '../../identity/principal.ts';
import type { ArtifactHomes } from '../../mlflow/things/artifact-homes.ts';
import type { Elsewhere } from '../../mlflow/things/elsewhere.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import type { Decision } from '../../policy/decide.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import type { InnerKind, Root } from '../../policy/resources.ts';
import type { Judgement } from '../reference.ts';

/** What every judgement stands on: what belongs to what, and the policy. */
export interface Judging {
  readonly lineage: Lineage;
  readonly artifactHomes: ArtifactHomes;
  readonly defaultPermission: Permission;
  /** Whether there are experiments at the upstream, or files alone. */
  readonly keepsExperiments: () => boolean;
  /** The workspace that all is looked up in; left out where MLflow has none. */
  readonly workspace?: string;
  /** Whether what is not in it is in another; left out where MLflow has none. */
  readonly isElsewhere?: Elsewhere;
  readonly onRoot: (caller: SignedIn, action: Action, root: Root) => Decision;
  /** @param tierAction - what is needed where it is granted on all things of the kind. */
  readonly onPart: (
    caller: SignedIn,
    action: Action,
    part: InnerKind,
    root: Root,
    tierAction?: Action,
  ) => Decision;
}

export const refuse = (because: string): Judgement => ({ allow: false, because, roots: [] });

export const judged = (root: Root, decision: Decision): Judgement => ({ ...decision, roots: [root] });
