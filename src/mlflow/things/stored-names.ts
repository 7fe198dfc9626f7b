import { unavailable } from '../../errors.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type AskedKind, existenceTarget, readExistence } from './existence.ts';
import { joinId } from './identifiers.ts';
import type { TRACKED_LOOK_UPS } from './look-ups.ts';

/** Kinds whose grants are keyed by names that people choose, not by ids that MLflow makes. */
type KeyedByName =
  | 'prompt'
  | { [Kind in AskedKind]: 'byId' extends keyof (typeof TRACKED_LOOK_UPS)[Kind] ? never : Kind }[AskedKind];

/** Whether MLflow's database may find a thing of the kind by a name that is spelled differently. */
const FOUND_BY_OTHER_SPELLINGS = {
  registered_model: true,
  prompt: true,
  mcp_server: true,
  scorer: true,
  // Names of skills are in lower case, and anything else is refused.
  skill: false,
} as const satisfies Readonly<Record<KeyedByName, boolean>>;

type Spelled = typeof FOUND_BY_OTHER_SPELLINGS;
export type NamedKind = { [Kind in KeyedByName]: Spelled[Kind] extends true ? Kind : never }[KeyedByName];

/** Whether grants on the kind are keyed by names that MLflow looks up as its database compares them. */
export function isNamedKind(kind: string): kind is NamedKind {
  const answers: Readonly<Record<string, boolean>> = FOUND_BY_OTHER_SPELLINGS;
  return Object.hasOwn(answers, kind) && answers[kind] === true;
}

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
