import type { FastifyRequest } from 'fastify';
import { changingBy } from '../../audit/changing.ts';
import { recordUnattended } from '../../audit/unattended.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { carryOut, type Executors } from '../../mlflow/table/phases.ts';
import { replyJson } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';

/** The roles that MLflow gives every new workspace, @see mlflow/server/auth/__init__.py (`_DEFAULT_WORKSPACE_ROLES`) */
const DEFAULT_ROLES: readonly {
  readonly name: string;
  readonly permission: Permission;
  readonly description: string;
}[] = [
  {
    name: 'admin',
    permission: 'MANAGE',
    description: 'Full MANAGE authority over the workspace.',
  },
  {
    name: 'user',
    permission: 'USE',
    description:
      'Read every resource in the workspace and create new ones: their creator manages them, and nobody else is given more than reading.',
  },
];

export interface WorkspaceOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Which workspace it is, and whether it is new. */
interface Followed {
  readonly name: unknown;
  readonly isNew: boolean;
}

/** What is said of a workspace by each rule. */
const FOLLOWED: Executors<'workspace', [FastifyRequest, Answer], Followed> = {
  'opens-workspace': ({ at }, _request, answer) => ({ name: propertyAt(replyJson(answer), at), isNew: true }),
  'closes-workspace': ({ from }, request) => ({ name: valuesAt(from, readable(request))[0], isNew: false }),
};

/**
 * Has the roles of a workspace come and go with it. A new one begins with MLflow's own, and with no others: those of an
 * earlier one of its name, which went while no gateway saw it, open nothing in it.
 *
 * @throws ApiError 503 if the store does not answer.
 */
export async function followWorkspace(
  { store, clock }: WorkspaceOptions,
  request: FastifyRequest,
  operation: Operation,
  answer: Answer,
): Promise<void> {
  if (answer.status >= 300) {
    return;
  }
  const { principal } = request.way;
  for (const rule of operation.by.workspace) {
    const { name, isNew } = carryOut<'workspace', [FastifyRequest, Answer], Followed>(
      FOLLOWED,
      rule,
      request,
      answer,
    );
    if (typeof name !== 'string') {
      continue;
    }
    const record = recordUnattended({
      operation: `roles follow a workspace`,
      because: `MLflow has ${isNew ? 'made' : 'deleted'} workspace ${name}`,
      username: principal.kind === 'user' ? principal.username : undefined,
      clock,
    });
    await changingBy(store, record).atOnce(async ({ roles }) => {
      await roles.removeOf(name);
      for (const { permission, ...role } of isNew ? DEFAULT_ROLES : []) {
        const { id } = await roles.create({ ...role, workspace: name });
        await roles.addPermission(id, 'workspace', ALL, permission);
      }
    });
  }
}
