import { unavailable } from '../../errors.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson, rowsIn } from '../upstream/answer-json.ts';
import { ask } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';

export { DEFAULT_WORKSPACE };

/** The header by which a client says which workspace it means. */
export const WORKSPACE_HEADER = 'x-mlflow-workspace';

/** How MLflow names them, @see `WorkspaceNameValidator` in mlflow/store/workspace/abstract_store.py */
const NAME = /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;

/** Whether a workspace may have this name. */
export const isWorkspaceName = (name: string): boolean => NAME.test(name);

/** What MLflow says where its workspaces are off. */
const OFF = 'without workspaces support';

const INFO = '/api/3.0/mlflow/server-info';

/** For how long it counts what MLflow has said: only a restart of it changes that. */
const FRESH_MS = 10_000;

/** The workspaces of the MLflow in front. */
export interface Workspaces {
  /**
   * Whether it was started with them: at once where it has said so, and asked again in the background now and then.
   *
   * @throws ApiError 503 or 504 if it has never said.
   */
  areOn(): boolean | Promise<boolean>;
  /**
   * Whether there is one of this name. The default one is there even where workspaces are off.
   *
   * @throws ApiError 503 if MLflow does not say.
   */
  has(name: string): Promise<boolean>;
  /**
   * The names of all that there are.
   *
   * @throws ApiError 503 if MLflow does not say.
   */
  names(): Promise<readonly string[]>;
}

export function createWorkspaces(upstream: Pick<Upstream, 'exchange'>, clock: () => number): Workspaces {
  let known: boolean | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<boolean> | undefined;

  async function askWhether(): Promise<boolean> {
    askedAt = clock();
    const answer = await upstream.exchange({ method: 'GET', target: INFO });
    if (answer.status >= 500 && answer.status !== NOT_SERVED) {
      throw unavailable('The MLflow server did not say whether it has workspaces. Try again.', {
        status: answer.status,
      });
    }
    // Versions before 3.10 have no workspaces, and nothing to say of them.
    known = answer.status === 200 && propertyAt(replyJson(answer), 'workspaces_enabled') === true;
    return known;
  }

  function askOnce(): Promise<boolean> {
    asking ??= askWhether().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  return {
    areOn() {
      const age = clock() - askedAt;
      if (known === undefined) {
        return askOnce();
      }
      if (age < 0 || age > FRESH_MS) {
        // What cannot be asked now is asked again later.
        askOnce().catch(() => undefined);
      }
      return known;
    },

    async has(name) {
      if (name === DEFAULT_WORKSPACE || !isWorkspaceName(name)) {
        return name === DEFAULT_WORKSPACE;
      }
      const target = `/api/3.0/mlflow/workspaces/${encodeURIComponent(name)}`;
      const { status, bytes } = await upstream.exchange({ method: 'GET', target });
      if (status === 200) {
        return true;
      }
      if (status === 404 || status === 400 || (status === 503 && bytes.includes(OFF))) {
        return false;
      }
      throw unavailable('The MLflow server did not say whether there is this workspace. Try again.', {
        status,
      });
    },

    async names() {
      const listed = propertyAt(await ask(upstream, '/api/3.0/mlflow/workspaces', []), 'workspaces');
      return rowsIn(listed).map(({ name }) => String(name));
    },
  };
}

/** How an MLflow that serves artifacts alone answers what it does not serve. */
const NOT_SERVED = 503;
