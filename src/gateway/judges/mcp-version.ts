import { invalid } from '../../errors.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { existenceTarget } from '../../mlflow/things/existence.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { TrackOptions } from '../adoption/track.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { checkMayMake, makeFirst } from './make-first.ts';
import type { Special } from './special.ts';

export interface McpVersionParts extends TrackOptions {
  readonly judge: Judge;
}

const SERVERS = '/api/3.0/mlflow/mcp-servers';

/**
 * Judges who may add a version to an MCP server: a caller who may change the server. MLflow makes a server that is not
 * there along with its first version, and asks nobody. Here it is made first and becomes the caller's, so that a
 * server another user makes at the same moment stays theirs, and the version is refused.
 */
export function mcpVersion({ judge, upstream, adoption }: McpVersionParts): Special {
  return async (request, caller) => {
    const { params, body, operation } = request.way;
    const name = `${params['namespace']}/${params['slug']}`;
    if (!isCanonical('mcp_server', name)) {
      throw invalid('The path does not name an MCP server.');
    }
    const server = existenceTarget('mcp_server', 'byName', name);
    const mayUpdate = async (): Promise<undefined> => {
      await judgeAll(request, caller, [{ kind: 'mcp_server', id: name, action: 'update' }], judge);
      return undefined;
    };

    const exists = await ask(upstream, server);
    if (exists !== undefined || operation === undefined) {
      return mayUpdate();
    }
    checkMayMake(caller, { kind: 'mcp_server', name }, judge);
    // Without these MLflow would refuse the version, and the server would stay without any.
    const { server_json: described } = body;
    if (propertyAt(described, 'name') !== name || typeof propertyAt(described, 'version') !== 'string') {
      throw invalid("'server_json' must have the 'name' of the path and a 'version'.");
    }
    const toMake = { kind: 'mcp_server', name, target: SERVERS, body: { name } } as const;
    if (!(await makeFirst({ upstream, adoption }, toMake, operation, caller))) {
      return mayUpdate();
    }
    request.way.because = 'creates it';
    return undefined;
  };
}
