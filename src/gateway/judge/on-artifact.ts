import type { SignedIn } from '../../identity/principal.ts';
import { readArtifactPath } from '../../mlflow/read/target.ts';
import type { ArtifactHome } from '../../mlflow/things/artifact-homes.ts';
import {
  type ArtifactHolder,
  holderOfArtifact,
  isCanonical,
  partOfArtifact,
  skillOfArtifact,
} from '../../mlflow/things/identifiers.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { DEFAULT_WORKSPACE } from '../../mlflow/things/workspaces.ts';
import { type Decision, decideOnKind } from '../../policy/decide.ts';
import type { Action } from '../../policy/permissions.ts';
import type { Root } from '../../policy/resources.ts';
import type { Judgement, Reference } from '../reference.ts';
import { type Judging, judged, refuse } from './judging.ts';

const ARTIFACT_PARTS = ['run', 'logged_model', 'trace'] as const;

/** Decides on a path below the artifacts of all experiments. */
export function onArtifact(
  judging: Judging,
  caller: SignedIn,
  { action, id: path }: Pick<Reference, 'action' | 'id'>,
): Promise<Judgement> | Judgement {
  const segments = inWorkspace(readArtifactPath(path), judging.workspace);
  const skill = skillOfArtifact(withoutWorkspace(segments, judging.workspace));
  if (skill !== undefined) {
    const root: Root = { kind: 'skill', id: skill };
    // MLflow changes it no more once it is there.
    const decision =
      action === 'read'
        ? judging.onRoot(caller, action, root)
        : refuse('what is uploaded of a skill does not change');
    return judged(root, decision);
  }
  const home = judging.artifactHomes.homeOf(segments);
  return home instanceof Promise
    ? home.then((found) => onHome(judging, caller, action, found))
    : onHome(judging, caller, action, home);
}

/** Where the files of workspaces are, but for those of the default one. */
const WORKSPACES = 'workspaces';

/**
 * The path that MLflow takes one for in a workspace: what does not begin with a workspace is put below that of the request.
 *
 * @see mlflow/server/handlers.py (`_get_workspace_scoped_repo_path_if_enabled`)
 */
function inWorkspace(segments: readonly string[], workspace = DEFAULT_WORKSPACE): readonly string[] {
  return workspace === DEFAULT_WORKSPACE || segments[0]?.toLowerCase() === WORKSPACES
    ? segments
    : [WORKSPACES, workspace, ...segments];
}

function withoutWorkspace(segments: readonly string[], workspace = DEFAULT_WORKSPACE): readonly string[] {
  return workspace !== DEFAULT_WORKSPACE && segments[0] === WORKSPACES && segments[1] === workspace
    ? segments.slice(2)
    : segments;
}

function onHome(
  { lineage, onRoot, onPart, keepsExperiments }: Judging,
  caller: SignedIn,
  action: Action,
  home: ArtifactHome | undefined,
): Promise<Judgement> | Judgement {
  if (home === undefined) {
    return refuse('the path lies in no experiment; only an admin may use it');
  }
  const { experimentId: id, rest } = home;
  const root: Root = { kind: 'experiment', id };
  // A delete is recursive, and nothing of MLflow's own is written beside the runs.
  if (action !== 'read' && rest.length < 2) {
    return judged(root, refuse('only an admin may change the root of an experiment'));
  }
  const part = partOfArtifact(rest);
  // Where everything lies side by side, what is refused of any of it refuses the whole.
  const decision =
    part === undefined
      ? (ARTIFACT_PARTS.map((each) => decideOnKind(caller, each)).find(({ allow }) => !allow) ??
        onRoot(caller, action, root))
      : onPart(caller, action, part, root);
  const holder = holderOfArtifact(rest);
  return decision.allow && action !== 'update' && holder !== undefined && keepsExperiments()
    ? ifHeld(lineage, decision, root, holder)
    : judged(root, decision);
}

/** Refuses files that are left from what is gone, perhaps with an experiment that had the id before. */
async function ifHeld(
  lineage: Lineage,
  decision: Decision,
  root: Root,
  { kind, id }: ArtifactHolder,
): Promise<Judgement> {
  const isHeld = isCanonical(kind, id) && (await lineage.isStillIn(root.id, kind, id));
  return judged(root, isHeld ? decision : refuse(`there is no ${kind} ${id} in experiment ${root.id}`));
}
