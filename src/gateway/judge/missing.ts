import { notFound } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { endpointOfGeminiCall } from '../../mlflow/things/identifiers.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { readPromptUri } from '../../mlflow/things/source.ts';
import type { Judged } from '../reference.ts';

/**
 * The 404 for a refused name that is nobody's, in MLflow's words; undefined where the name is a user's or may not be
 * told. Programs ask whether a name is free before they take it, and a caller who takes one learns it anyway: creating a
 * model under a name that is taken says so. Ids are given out by MLflow, and creating tells nothing of them.
 */
export type Missing = (caller: SignedIn, refused: Judged) => Promise<Error | undefined>;

export function createMissing(lineage: Lineage): Missing {
  return async (caller, { reference: { kind, id }, roots }) => {
    // A credential that is confined to some things creates none, and so learns no other name.
    if (caller.ceiling?.resources !== undefined) {
      return undefined;
    }
    switch (kind) {
      case 'registered_model':
      case 'prompt':
        return ofRegistry(id);
      case 'prompt_uri':
        return ofRegistry(readPromptUri(id));
      case 'mcp_server':
        return (await lineage.isFree('mcp_server', id))
          ? notFound(`MCP server '${id}' not found`)
          : undefined;
      case 'gateway_endpoint_name':
        return roots.length === 0 ? noEndpoint(id) : undefined;
      case 'gemini_call':
        return roots.length === 0 ? noEndpoint(endpointOfGeminiCall(id)) : undefined;
      default:
        return undefined;
    }
  };

  async function ofRegistry(name: string): Promise<Error | undefined> {
    return (await lineage.isFree('registered_model', name))
      ? notFound(`Registered Model with name=${name} not found`)
      : undefined;
  }
}

function noEndpoint(name: string): Error {
  return notFound(`GatewayEndpoint not found (name='${name}')`);
}
