import { unavailable } from '../../errors.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The workspace that everything lies in while MLflow's workspaces are off. */
export const DEFAULT_WORKSPACE = 'default';

/** How MLflow names them, @see `WorkspaceNameValidator` in mlflow/store/workspace/abstract_store.py */
const NAME = /^(?!.*--)[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;

/** What MLflow says where its workspaces are off. */
const OFF = 'without workspaces support';

const INFO = '/api/3.0/mlflow/server-info';

/** The workspaces of the MLflow in front. */
export interface Workspaces {
  /** Whether it was started with them; false where it does not say. */
  areOn(): Promise<boolean>;
  /**
   * Whether there is one of this name. The default one is there even where workspaces are off.
   *
   * @throws ApiError 503 if MLflow does not say.
   */
  has(name: string): Promise<boolean>;
}

export function createWorkspaces(upstream: Pick<Upstream, 'exchange'>): Workspaces {
  return {
    async areOn() {
      const answer = await upstream.exchange({ method: 'GET', target: INFO });
      return answer.status === 200 && propertyAt(replyJson(answer), 'workspaces_enabled') === true;
    },

    async has(name) {
      if (name === DEFAULT_WORKSPACE || !NAME.test(name)) {
        return name === DEFAULT_WORKSPACE;
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
    },
  };
}
