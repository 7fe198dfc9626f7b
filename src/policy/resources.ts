/**
 * The kinds of things that hold grants ("roots"). Names are those of MLflow 3.17's grants API.
 * Prompts share the name space of registered models.
 */
export const ROOT_KINDS = [
  'experiment',
  'registered_model',
  'prompt',
  'scorer',
  'gateway_secret',
  'gateway_endpoint',
  'gateway_model_definition',
  'mcp_server',
  'workspace',
] as const;
export type RootKind = (typeof ROOT_KINDS)[number];

/** One thing that holds grants. */
export interface Root {
  readonly kind: RootKind;
  readonly id: string;
}
