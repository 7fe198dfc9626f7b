import { denied, invalid } from '../../errors.ts';
import { isObject, readJson } from '../../mlflow/read/json.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import { names } from '../../mlflow/things/key-names.ts';
import { decideOnKind } from '../../policy/decide.ts';
import { judgeAll } from '../judge/judge-all.ts';
import type { Reference } from '../reference.ts';
import { checkCalls, type ProviderCallsParts } from './provider-calls.ts';
import { checkServerKeys } from './server-keys.ts';
import type { Special } from './special.ts';

const SCHEDULE = ['mlflow.issueDetection.schedule'];

/** The fields by which a schedule says whom it calls, and with what key. */
const FIELDS = ['endpointName', 'provider', 'model', 'secretId'] as const;
/** MLflow drops blanks around some of them, and what it takes for blanks is not what others do. */
const PLAIN = /^[^\s\p{Cc}\p{Z}\u{feff}]{0,200}$/u;

type Model = Readonly<Partial<Record<(typeof FIELDS)[number], string>>>;

/**
 * Judges a schedule of issue detection as a detection itself is judged: MLflow runs it by the tag of an experiment, with
 * the endpoint or the secret that the tag names.
 *
 * @see mlflow/genai/discovery/schedule.py
 */
export function detectionSchedule(
  parts: ProviderCallsParts,
): Special<SpecialQuestions['detection-schedule']> {
  const { judge } = parts;
  return async (request, caller, asks) => {
    const { body } = request.way;
    const tags: unknown = asks === 'tag' ? [body] : (body['tags'] ?? []);
    for (const value of Array.isArray(tags) ? tags.flatMap(scheduleIn) : []) {
      const { endpointName, provider, model, secretId } = modelOf(value);
      const { allow, because } = decideOnKind(caller, 'run');
      if (!allow) {
        throw denied('Every run is denied to you.', because);
      }
      const references: Reference[] = [
        ...(secretId ? [{ kind: 'gateway_secret', id: secretId, action: 'use' } as const] : []),
        ...(endpointName
          ? [{ kind: 'gateway_endpoint_name', id: endpointName, action: 'use' } as const]
          : []),
      ];
      await judgeAll(request, caller, references, judge);
      checkServerKeys(judge, caller);
      await checkCalls(parts, caller, 'detection', { provider, model, secret_id: secretId });
    }
    return undefined;
  };
}

/** The value of a tag that is a schedule; none of any other tag, nor of one that is empty. */
function scheduleIn(tag: unknown): readonly string[] {
  if (!isObject(tag) || typeof tag['key'] !== 'string' || !names(SCHEDULE, tag['key'])) {
    return [];
  }
  const { value } = tag;
  return typeof value === 'string' && value !== '' ? [value] : [];
}

/** @throws ApiError 400 for what MLflow may read in another way. */
function modelOf(value: string): Model {
  const { model } = readJson(Buffer.from(value)) as Readonly<Record<string, unknown>>;
  if (model === undefined || model === null) {
    return {};
  }
  if (!isObject(model)) {
    throw invalid("The 'model' of a schedule must be an object.");
  }
  const fields = FIELDS.flatMap((name) => {
    const field = model[name];
    if (field === undefined || field === null || field === '') {
      return [];
    }
    if (typeof field !== 'string' || !PLAIN.test(field)) {
      throw invalid(`The '${name}' of a schedule must be a plain name.`);
    }
    return [[name, field] as const];
  });
  return Object.fromEntries(fields);
}
