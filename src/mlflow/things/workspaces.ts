import { unavailable } from '../../errors.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The workspace that everything lies in while MLflow's workspaces are off. */
const DEFAULT = 'default';

/** How MLflow names them, @see `WorkspaceNameValidator` in mlflow/store/workspace/abstract_store.py */
const NAME = /^(?!.*--)[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;

/** What MLflow says where its workspaces are off. */
const OFF = 'without workspaces support';

/**
 * Tells whether MLflow has a workspace. The default one is there even where workspaces are off.
 *
 * @throws ApiError 503 if it does not say.
 */
export function createHasWorkspace(upstream: Pick<Upstream, 'exchange'>): (name: string) => Promise<boolean> {
  return async (name) => {
    if (name === DEFAULT) {
      return true;
    }
    if (!NAME.test(name)) {
      return false;
    }
    const target = `/api/3.0/mlflow/workspaces/${encodeURIComponent(name)}`;
    const { status, bytes } = await upstream.exchange({ method: 'GET', target });
    if (status === 200) {
      return true;
    }
    if (status === 404 || (status === 503 && bytes.includes(OFF))) {
      return false;
    }
    throw unavailable('The MLflow server did not say whether there is this workspace. Try again.', {
      status,
    });
  };
}
