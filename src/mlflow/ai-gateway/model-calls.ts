import { invalid } from '../../errors.ts';
import { isObject, readJson } from '../read/json.ts';
import { isCanonical } from '../things/identifiers.ts';
import { namesHost } from './destinations.ts';
import { LIBRARY_FAMILY, LIBRARY_OPTION } from './library-options.ts';

/** What a scorer or an optimizer will have the server do, read from its JSON. */
export interface ModelCalls {
  /** Endpoints of the AI gateway that it calls. */
  readonly endpoints: readonly string[];
  /** Traces that it reads, wherever they are, and shows to the models. */
  readonly traces: readonly string[];
  /** Whether it calls models by endpoints of the AI gateway alone, and by no key of the server. */
  readonly onlyEndpoints: boolean;
  /** A setting that sends the server's keys elsewhere, or calls another model than is said; undefined without one. */
  readonly steeredBy: string | undefined;
}

/** How an endpoint of the AI gateway is named as a model. */
const ENDPOINT = /^gateway:\/+(.+)$/s;

/**
 * Settings that choose the host which a call and its key go to, as MLflow itself refuses them in a part of the scorers;
 * headers, by which a call gets around guardrails; and `gepa_kwargs`, whose `run_dir` is a directory of the server
 * that pickled state is loaded from.
 *
 * @see `GATEWAY_DESTINATION_KEYS` in mlflow/utils/validation.py
 */
const STEERING: ReadonlySet<string> = new Set([
  'api_base',
  'base_url',
  'model_list',
  'fallbacks',
  'custom_llm_provider',
  'extra_headers',
  'gepa_kwargs',
]);

/**
 * The traces that a judge with memory was aligned with: MLflow fetches them by these ids, and asks nobody.
 *
 * @see `_reconstruct_episodic_memory` in mlflow/genai/judges/optimizers/memalign/optimizer.py
 */
const REMEMBERED_TRACES = 'episodic_trace_ids';

/** What is in these is written over the rest of a call. */
const WRITTEN_OVER: ReadonlySet<string> = new Set(['inference_params', 'lm_kwargs', 'kwargs']);

/** Fields that name a model: `openai:/gpt-4.1`, `model`, `reflection_model`. */
const MODEL_FIELD = /(?:^|_)(?:model|lm)$/;
const MODEL_SCHEME = /^[A-Za-z0-9_.-]+:\/+/;

/**
 * A scorer of another library is any callable that its description names, made with any arguments: MLflow before 3.17
 * asks neither whether it is a scorer nor whether the metric is one of the library's, and imports what stands before a dot.
 *
 * @see `third_party_scorer_data` in mlflow/genai/scorers/base.py (`model_validate`)
 */
const OF_ANOTHER_LIBRARY = 'third_party_scorer_data';
const LIBRARY_MODULE = /^mlflow\.genai\.scorers\.[a-z]+(?:\.scorers(?:\.[a-z_]+)?)?$/;
const CLASS_NAME = /^[A-Z][A-Za-z0-9]*$/;
const METRIC_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * Reads a serialized scorer or the settings of an optimizer, at whatever depth: judges nest in each other, and of
 * several models in one MLflow looks at another when it stores it than when it runs it.
 *
 * @throws ApiError 400 for what two readers could take for different things.
 * @see mlflow/genai/scorers/base.py (`model_validate`), mlflow/genai/optimize/job.py (`_create_optimizer`)
 */
export function readModelCalls(json: string): ModelCalls {
  const value = parse(json);
  return {
    endpoints: [...new Set(endpointsIn(value))],
    traces: [...new Set(tracesIn(value))],
    onlyEndpoints: callsOnlyEndpoints(value),
    steeredBy: steeringIn(value, false),
  };
}

function parse(json: string): unknown {
  try {
    return readJson(Buffer.from(json, 'utf8'));
  } catch (cause) {
    throw invalid('A scorer or its settings are not a JSON object that can be read in one way only.', {
      cause,
    });
  }
}

/** How many kinds a serialized scorer may be of. */
const KINDS = [
  'instructions_judge_pydantic_data',
  'builtin_scorer_pydantic_data',
  'memory_augmented_judge_data',
  'ensemble_scorer_data',
  'third_party_scorer_data',
  'call_source',
] as const;

/**
 * Whether a scorer calls nothing but endpoints. Where no model is named MLflow calls one of its own choice, and other
 * libraries call several; with a memory a judge has two models more.
 *
 * @see `SerializedScorer` in mlflow/genai/scorers/base.py
 */
function callsOnlyEndpoints(scorer: unknown): boolean {
  if (!isObject(scorer)) {
    return false;
  }
  const [kind, ...others] = KINDS.filter((each) => scorer[each] !== undefined && scorer[each] !== null);
  if (kind === undefined || others.length > 0) {
    return false;
  }
  const data = scorer[kind];
  if (!isObject(data)) {
    return false;
  }
  switch (kind) {
    case 'instructions_judge_pydantic_data':
    case 'builtin_scorer_pydantic_data':
      return isEndpoint(data['model']);
    case 'memory_augmented_judge_data':
      return (
        callsOnlyEndpoints(data['base_judge']) &&
        isEndpoint(data['reflection_lm']) &&
        isEndpoint(data['embedding_model'])
      );
    case 'ensemble_scorer_data':
      return Array.isArray(data['scorers']) && data['scorers'].every(callsOnlyEndpoints);
    default:
      return false;
  }
}

const isEndpoint = (model: unknown): boolean => typeof model === 'string' && ENDPOINT.test(model);

function endpointsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    return ENDPOINT.exec(value)?.slice(1) ?? [];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(endpointsIn) : [];
}

function tracesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap(tracesIn);
  }
  if (!isObject(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    key === REMEMBERED_TRACES ? traceIds(inner) : tracesIn(inner),
  );
}

function traceIds(value: unknown): readonly string[] {
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.flatMap((id) => {
    if (id === null) {
      return [];
    }
    if (typeof id === 'string' && isCanonical('trace', id)) {
      return [id];
    }
    throw invalid(`'${REMEMBERED_TRACES}' of a scorer must be a list of trace ids.`);
  });
}

function steeringIn(value: unknown, writtenOver: boolean): string | undefined {
  if (Array.isArray(value)) {
    // Python makes a map of a list of pairs.
    return firstOf(value, (item) =>
      isPair(item) ? steeringAt(item, writtenOver) : steeringIn(item, writtenOver),
    );
  }
  return isObject(value)
    ? firstOf(Object.entries(value), (entry) => steeringAt(entry, writtenOver))
    : undefined;
}

function steeringAt([key, value]: readonly [string, unknown], writtenOver: boolean): string | undefined {
  if (value === null) {
    return undefined;
  }
  const steers =
    STEERING.has(key) ||
    LIBRARY_FAMILY.test(key) ||
    (writtenOver && (key === 'model' || LIBRARY_OPTION.test(key))) ||
    (MODEL_FIELD.test(key) && typeof value === 'string' && namesHost(value.replace(MODEL_SCHEME, ''))) ||
    (key === OF_ANOTHER_LIBRARY && !isScorerOfLibrary(value));
  return steers ? key : steeringIn(value, writtenOver || WRITTEN_OVER.has(key));
}

const isPair = (item: unknown): item is readonly [string, unknown] =>
  Array.isArray(item) && item.length === 2 && typeof item[0] === 'string';

function isScorerOfLibrary(description: unknown): boolean {
  if (!isObject(description)) {
    return false;
  }
  const { module, class: name, metric_name: metric, kwargs } = description;
  const isText = (value: unknown, form: RegExp) => typeof value === 'string' && form.test(value);
  return (
    isText(module, LIBRARY_MODULE) &&
    isText(name, CLASS_NAME) &&
    isText(metric, METRIC_NAME) &&
    (kwargs === undefined || kwargs === null || (isObject(kwargs) && !('metric_name' in kwargs)))
  );
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
