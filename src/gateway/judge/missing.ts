import { notFound } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { ReferenceKind } from '../../mlflow/table/row.ts';
import { endpointOfGeminiCall } from '../../mlflow/things/identifiers.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { readPromptUri } from '../../mlflow/things/source.ts';
import type { Root } from '../../policy/resources.ts';
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
    return caller.ceiling?.resources === undefined ? BY_KIND[kind](id, lineage, roots) : undefined;
  };
}

/** The 404 for an id or name that was refused; undefined where it may not be told. */
type Telling = (
  id: string,
  lineage: Lineage,
  roots: readonly Root[],
) => Promise<Error | undefined> | Error | undefined;

const ofRegistry: Telling = async (name, lineage) =>
  (await lineage.isFree('registered_model', name))
    ? notFound(`Registered Model with name=${name} not found`)
    : undefined;

/** MLflow gives it out, or it is told apart by something else than its name. */
const never: Telling = () => undefined;

/** What is told of each kind; a new one is asked for by the compiler. */
const BY_KIND: Readonly<Record<ReferenceKind, Telling>> = {
  registered_model: ofRegistry,
  prompt: ofRegistry,
  prompt_uri: (uri, ...rest) => ofRegistry(readPromptUri(uri), ...rest),
  mcp_server: async (name, lineage) =>
    (await lineage.isFree('mcp_server', name)) ? notFound(`MCP server '${name}' not found`) : undefined,
  skill: async (name, lineage) => ((await lineage.isFree('skill', name)) ? noSkill(name) : undefined),
  gateway_endpoint_name: (name, _lineage, roots) => (roots.length === 0 ? noEndpoint(name) : undefined),
  gemini_call: (call, _lineage, roots) =>
    roots.length === 0 ? noEndpoint(endpointOfGeminiCall(call)) : undefined,
  experiment: never,
  scorer: never,
  gateway_secret: never,
  gateway_endpoint: never,
  gateway_model_definition: never,
  workspace: never,
  run: never,
  trace: never,
  logged_model: never,
  dataset: never,
  issue: never,
  label_schema: never,
  review_queue: never,
  job: never,
  prompt_optimization_job: never,
  gateway_guardrail: never,
  scorer_id: never,
  user: never,
  artifact: never,
  source: never,
};

function noSkill(id: string): Error {
  const [, organization = '', name = id] = /^@([^/]+)\/(.+)$/.exec(id) ?? [];
  return notFound(`Skill '${name}' not found in organization '${organization}'`);
}

function noEndpoint(name: string): Error {
  return notFound(`GatewayEndpoint not found (name='${name}')`);
}
