import { unavailable } from '../../errors.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { existenceTarget, readExistence } from './existence.ts';
import { joinId } from './identifiers.ts';

/** Kinds whose grants are keyed by names that people choose, and that MLflow looks up as its database compares them. */
export const NAMED_KINDS = ['registered_model', 'prompt', 'mcp_server', 'scorer'] as const;
export type NamedKind = (typeof NAMED_KINDS)[number];

/**
 * Asks MLflow what it calls the thing that it finds by a name. A database that compares without regard to case, accents
 * or trailing blanks finds `Model` by `model`.
 *
 * @returns undefined if it finds nothing.
 * @throws ApiError 503 if it does not say.
 */
export type StoredName = (kind: NamedKind, name: string) => Promise<string | undefined>;

export function createStoredName(upstream: Pick<Upstream, 'exchange'>): StoredName {
  return async (kind, name) => {
    const asked = kind === 'prompt' ? 'registered_model' : kind;
    const answer = await upstream.exchange({
      method: 'GET',
      target: existenceTarget(asked, 'byName', name),
    });
    // A name that nothing can have is a 400.
    const found = answer.status === 400 ? 'missing' : readExistence(asked, 'byName', name, answer);
    if (found === 'missing') {
      return undefined;
    }
    if (found === 'unclear') {
      throw unavailable('The MLflow server did not say what has this name. Try again.');
    }
    return kind === 'scorer' ? (scorerIn(replyJson(answer)) ?? found.id) : found.id;
  };
}

/** The scorer whose versions a reply lists. */
function scorerIn(reply: unknown): string | undefined {
  const [experiment, name] = ['experiment_id', 'scorer_name'].map((field) =>
    propertyAt(reply, `scorers.0.${field}`),
  );
  return typeof name === 'string' && experiment !== undefined ? joinId(String(experiment), name) : undefined;
}
