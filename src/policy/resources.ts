/**
 * The kinds of things that hold grants ("roots"). Names are those of MLflow 3.18's grants API.
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
  'skill',
  'workspace',
] as const;
export type RootKind = (typeof ROOT_KINDS)[number];

/**
 * Kinds of things inside a root that MLflow 3.17 takes grants on too, for all of the kind at once (`*`):
 * a caller who holds such a grant has it decide over these things in place of the grants on their root.
 *
 * @see mlflow/server/auth/permissions.py (`TYPE`)
 */
export const PART_KINDS = [
  'run',
  'trace',
  'assessment',
  'logged_model',
  'review_queue',
  'registered_model_version',
  'prompt_version',
  'scorer_version',
  'mcp_server_version',
] as const;
export type PartKind = (typeof PART_KINDS)[number];

/** What grants on all of a kind decide about inside a root; scorers are roots that lie in another, their experiment. */
export type InnerKind = PartKind | 'scorer';

/** What a grant may be on: a root, or all things of a kind inside roots. */
export interface Resource {
  readonly kind: RootKind | PartKind;
  readonly id: string;
}

/** One thing that holds grants. */
export interface Root extends Resource {
  readonly kind: RootKind;
  /** As the upstream gives it; a scorer's is `<experiment id>/<name, percent-encoded>`. */
  readonly id: string;
  /** Whether a name of the model registry is a prompt's, where that is known. */
  readonly isPrompt?: boolean;
}

/** The root that another lies in: of a scorer its experiment. Undefined for one that lies in no other. */
export function rootAround({ kind, id }: Resource): Root | undefined {
  return kind === 'scorer' ? { kind: 'experiment', id: id.split('/', 1)[0] ?? '' } : undefined;
}

/** The pattern that stands for all of a kind. */
export const ALL = '*';

/** What the versions of a name are, to a caller who holds something on all of them. */
export const versionKind = (isPrompt: boolean): PartKind =>
  isPrompt ? 'prompt_version' : 'registered_model_version';
