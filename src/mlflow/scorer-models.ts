import { invalid } from '../errors.ts';
import { readJson } from './read/json.ts';

/** How a scorer names an endpoint of the AI gateway as its model. */
const ENDPOINT = /^gateway:\/+(.+)$/s;

/**
 * The endpoints of the AI gateway that a serialized scorer names, at whatever depth: judges nest in each other.
 *
 * @param serialized - JSON, as `register_scorer` is sent it.
 * @throws ApiError 400 for what two readers could take for different scorers.
 * @see mlflow/genai/scorers/scorer_utils.py (`extract_model_from_serialized_scorer`)
 */
export function endpointsOfScorer(serialized: string): readonly string[] {
  return [...new Set(endpointsIn(parse(serialized)))];
}

function parse(serialized: string): unknown {
  try {
    return readJson(Buffer.from(serialized, 'utf8'));
  } catch (cause) {
    throw invalid('The serialized scorer is not a JSON object that can be read in one way only.', { cause });
  }
}

function endpointsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return ENDPOINT.exec(value)?.slice(1) ?? [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(endpointsIn) : [];
}
