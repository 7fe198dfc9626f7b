import { joinId } from '../../mlflow/things/identifiers.ts';
import { CLASSIC_PERMISSIONS, type Permission } from '../../policy/permissions.ts';
import type { RootKind } from '../../policy/resources.ts';

/** One kind of resource in MLflow's classic permissions API. */
export interface Family {
  /** First part of the handlers' names in the table. */
  readonly handlers: string;
  readonly kind: RootKind;
  /** What the API calls the id, or the two parts of one. */
  readonly parameters: readonly [string] | readonly [string, string];
  /** The key of a reply. */
  readonly envelope: string;
  /** The key of a user's permissions of the kind, if MLflow shows them beside the user. */
  readonly list?: string;
  /** How MLflow's messages begin. */
  readonly label: string;
  /** What can be given, in the order MLflow's messages list it. */
  readonly permissions: readonly Permission[];
}

/** Since MLflow 3.9 there is something to be used. */
const WITH_USE = ['READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS'] as const;

const KNOWN = [
  {
    handlers: 'experimentPermissions',
    kind: 'experiment',
    parameters: ['experiment_id'],
    envelope: 'experiment_permission',
    list: 'experiment_permissions',
    label: 'Experiment permission',
    permissions: CLASSIC_PERMISSIONS,
  },
  {
    handlers: 'registeredModelPermissions',
    kind: 'registered_model',
    parameters: ['name'],
    envelope: 'registered_model_permission',
    list: 'registered_model_permissions',
    label: 'Registered model permission',
    permissions: CLASSIC_PERMISSIONS,
  },
  {
    handlers: 'scorerPermissions',
    kind: 'scorer',
    parameters: ['experiment_id', 'scorer_name'],
    envelope: 'scorer_permission',
    list: 'scorer_permissions',
    label: 'Scorer permission',
    permissions: WITH_USE,
  },
  {
    handlers: 'gatewaySecretPermissions',
    kind: 'gateway_secret',
    parameters: ['secret_id'],
    envelope: 'gateway_secret_permission',
    label: 'Gateway secret permission',
    permissions: WITH_USE,
  },
  {
    handlers: 'gatewayEndpointPermissions',
    kind: 'gateway_endpoint',
    parameters: ['endpoint_id'],
    envelope: 'gateway_endpoint_permission',
    label: 'Gateway endpoint permission',
    permissions: WITH_USE,
  },
  {
    handlers: 'gatewayModelDefinitionPermissions',
    kind: 'gateway_model_definition',
    parameters: ['model_definition_id'],
    envelope: 'gateway_model_definition_permission',
    label: 'Gateway model definition permission',
    permissions: WITH_USE,
  },
] as const satisfies readonly Family[];

/** Experiments and models since 2.15, scorers and the AI gateway's from 3.9 to 3.12; 3.13 dropped them all. */
export const FAMILIES: readonly (Family & { readonly handlers: FamilyName })[] = KNOWN;

/** First parts of the names of the handlers that serve the classic permissions API. */
export type FamilyName = (typeof KNOWN)[number]['handlers'];

/** The id that a request names by a family's parameters. */
export function idIn(
  { parameters: [first, second] }: Family,
  values: Readonly<Record<string, string>>,
): string {
  const name = values[first] ?? '';
  return second === undefined ? name : joinId(name, values[second] ?? '');
}

/** An id under the names that a family's replies give it. */
export function namesOf({ parameters: [first, second] }: Family, id: string): Record<string, string> {
  if (second === undefined) {
    return { [first]: id };
  }
  const [start = '', ...rest] = id.split('/');
  // All of the kind has but one part.
  return { [first]: start, [second]: rest.length === 0 ? start : decoded(rest.join('/')) };
}

/** Grants take any text: one that is not encoded is shown as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
