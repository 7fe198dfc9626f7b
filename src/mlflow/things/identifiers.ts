import { invalid } from '../../errors.ts';
import type { PartKind } from '../../policy/resources.ts';
import type { NarrowedKind, ReferenceKind } from '../table/row.ts';

const EXPERIMENT = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * An experiment that is not there: the last id of a 32-bit column, which MLflow counts up to from 0. Its FileStore
 * gives out 18 digits.
 */
export const NOWHERE = '2147483647';

/** An id of each kind that nothing has. Clients choose the ids of traces, but the gateway lets none be called this. */
const NONE_OF: Readonly<Record<NarrowedKind, string>> = { experiment: NOWHERE, trace: 'tr-nowhere' };

/** An id that names nothing, for asking MLflow about nothing. */
export const noneOf = (kind: NarrowedKind): string => NONE_OF[kind];

/** Names that people choose: anything printable, but not the `*` that stands for all of a kind. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NAME = /^(?!\*$)[^\u0000-\u001f\u007f\p{Cs}]{1,1000}$/u;
const OPAQUE = /^(?!\.{1,2}$)[A-Za-z0-9_.:-]{1,100}$/;
/** As MLflow names them, and shorter: @see `validate_mcp_server_name` in mlflow/entities/mcp_server.py */
const MCP_SERVER =
  /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\/(?!(?:aliases|endpoints|tags|versions)$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** @see `_validate_skill_name` and `_validate_organization_name` in mlflow/utils/validation.py */
const SKILL = /^(?:@(?=[^/]{1,64}\/)[a-z0-9]+(?:[-.][a-z0-9]+)*\/)?(?=[^/]{1,64}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;

/**
 * How the ids of each kind are written, as MLflow itself gives them out. It reads some far more widely (`int("01")`,
 * `int("１")` and `int("1_0")` are experiments 1, 1 and 10), so that a grant keyed by the text would miss: whatever is
 * not in this form is refused.
 */
const FORMS = {
  experiment: EXPERIMENT,
  run: /^[0-9a-f]{32}$/,
  logged_model: /^m-[0-9a-f]{32}$/,
  trace: /^(?:tr-)?[0-9a-f]{32}$/,
  dataset: /^d-[0-9a-f]{32}$/,
  scorer: /^(?:0|[1-9][0-9]{0,18})\/[A-Za-z0-9_.~%-]{1,3000}$/,
  registered_model: NAME,
  prompt: NAME,
  gateway_endpoint_name: NAME,
  gemini_call: NAME,
  mcp_server: MCP_SERVER,
  skill: SKILL,
  workspace: NAME,
  user: NAME,
  artifact: NAME,
  source: NAME,
  prompt_uri: NAME,
  gateway_secret: OPAQUE,
  gateway_endpoint: OPAQUE,
  gateway_model_definition: OPAQUE,
  gateway_guardrail: OPAQUE,
  issue: OPAQUE,
  label_schema: OPAQUE,
  review_queue: OPAQUE,
  job: OPAQUE,
  prompt_optimization_job: OPAQUE,
  scorer_id: OPAQUE,
} as const satisfies Readonly<Record<ReferenceKind, RegExp>>;

/** Ids that tests and tools grant on although no experiment can have them: text no `int()` reads. */
const LOOSE = /^(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,100}$/;

/** Whether `id` is written as the upstream would write it. */
export function isCanonical(kind: ReferenceKind, id: string, loose = false): boolean {
  return FORMS[kind].test(id) || (loose && LOOSE.test(id));
}

/**
 * The id of what is named by two: `<namespace>/<slug>`, or `<experiment id>/<scorer name>` with the name encoded as
 * MLflow encodes it in grants (Python's `quote(name, safe='')`), as it may hold anything.
 */
export function joinId(first: string, second: string): string {
  const encoded = encodeURIComponent(second).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${first}/${encoded}`;
}

/** Whether a registered model or version in a reply is a prompt's: MLflow tells them apart by a tag. */
export function hasPromptTag(entity: unknown): boolean {
  const tags = typeof entity === 'object' && entity !== null && 'tags' in entity ? entity.tags : undefined;
  if (!Array.isArray(tags)) {
    return false;
  }
  return tags.some(
    (tag: unknown) =>
      typeof tag === 'object' &&
      tag !== null &&
      'key' in tag &&
      tag.key === 'mlflow.prompt.is_prompt' &&
      'value' in tag &&
      String(tag.value).toLowerCase() === 'true',
  );
}

/**
 * The endpoint that a call in Google's style names: `<endpoint>:generateContent`.
 *
 * @throws ApiError 400 for anything else.
 * @see mlflow/server/auth/__init__.py (`_extract_gateway_endpoint_name`)
 */
export function endpointOfGeminiCall(call: string): string {
  const [, name] = /^([^/:]+):(?:generateContent|streamGenerateContent)$/.exec(call) ?? [];
  if (name === undefined) {
    throw invalid('The path must end in <endpoint>:generateContent.');
  }
  return name;
}

/**
 * What kind of thing a path below the artifacts of an experiment lies in: `<run>/artifacts/…`, `models/<model>/…` or
 * `traces/<trace>/…`; undefined above these.
 */
export function partOfArtifact([first, second]: readonly string[]): PartKind | undefined {
  if (first === undefined || second === undefined) {
    return undefined;
  }
  return first === 'models' ? 'logged_model' : first === 'traces' ? 'trace' : 'run';
}

/** MLflow keeps what is uploaded of skills beside the experiments: `skills/<name>/…`, `skills/@<organization>/<name>/…`. */
const SKILLS = 'skills';

/**
 * The skill whose content an artifact path lies in; undefined for any other.
 *
 * @see mlflow/store/tracking/skill_registry/artifact_paths.py
 */
export function skillOfArtifact([root, first = '', second = '']: readonly string[]): string | undefined {
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  return root === SKILLS && isCanonical('skill', name) ? name : undefined;
}

/** What keeps the files at a path. */
export interface ArtifactHolder {
  readonly kind: 'run' | 'logged_model' | 'trace';
  readonly id: string;
}

/** The run, logged model or trace that a path below the artifacts of an experiment lies in, or is of; undefined above. */
export function holderOfArtifact([first, second]: readonly string[]): ArtifactHolder | undefined {
  if (first === 'models' || first === 'traces') {
    return second === undefined
      ? undefined
      : { kind: first === 'models' ? 'logged_model' : 'trace', id: second };
  }
  return first === undefined ? undefined : { kind: 'run', id: first };
}
