import type { FastifyInstance } from 'fastify';
import { invalid } from '../errors.ts';
import { DEFAULT_WORKSPACE, type Workspaces } from '../mlflow/things/workspaces.ts';

/** As Python's servers read them, which take `_` and `-` in a header for the same. */
const HEADER = /^x[-_]mlflow[-_]workspace$/;

/**
 * Refuses requests about another workspace of MLflow than the one that everything lies in for the gateway: with the header
 * dropped they would be carried out there, and answered as if they had been done where the client said.
 */
export function workspaceHeader(app: FastifyInstance, { areOn }: Pick<Workspaces, 'areOn'>): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation } = request.way;
    const named = namedIn(request.raw.headers);
    if (named === undefined || operation?.need === 'public') {
      done();
      return undefined;
    }
    return areOn().then((on) => {
      if (!on) {
        throw invalid(
          'Workspace APIs are not available: workspaces are not enabled on this server. Leave X-MLFLOW-WORKSPACE out.',
        );
      }
      if (named !== DEFAULT_WORKSPACE) {
        throw invalid(
          `The gateway serves the workspace '${DEFAULT_WORKSPACE}' alone: leave X-MLFLOW-WORKSPACE out.`,
        );
      }
    });
  });
}

/** What the header names, all of it where it is sent more than once; nothing if it is blank, as MLflow has it. */
function namedIn(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const named = Object.keys(headers)
    .filter((name) => HEADER.test(name))
    .map((name) => String(headers[name]).trim())
    .filter((value) => value !== '');
  return named.length === 0 ? undefined : named.join(', ');
}
