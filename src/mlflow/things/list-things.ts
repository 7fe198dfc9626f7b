import { unavailable } from '../../errors.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { hasPromptTag } from './identifiers.ts';
import type { SeenThing } from './look-at.ts';

/** What is listed by name: experiments that are not deleted, or what is in the model registry. */
export type ListedKind = 'experiment' | 'registered_model';

/** One page of MLflow's own, in the order of names. */
export interface ThingsPage {
  readonly things: readonly SeenThing[];
  /** MLflow's token of the next one; undefined after the last. */
  readonly next: string | undefined;
}

/**
 * Asks MLflow for what it has of a kind.
 *
 * @param asked.contains - a part of the names; in any letter case.
 * @throws ApiError 503 if MLflow does not say.
 */
export type ListThings = (
  kind: ListedKind,
  asked: { readonly contains: string; readonly token: string | undefined },
) => Promise<ThingsPage>;

/** The most that MLflow gives at once of either kind. */
const AT_ONCE = '1000';

/** @see mlflow/protos/service.proto (`SearchExperiments`), mlflow/protos/model_registry.proto (`SearchRegisteredModels`) */
export function createListThings(upstream: Pick<Upstream, 'exchange'>): ListThings {
  return async (kind, { contains, token }) => {
    const isExperiment = kind === 'experiment';
    const search = new URLSearchParams({ max_results: AT_ONCE, order_by: 'name ASC' });
    if (isPlain(contains)) {
      search.set('filter', `name ILIKE '%${contains}%'`);
    }
    if (token !== undefined) {
      search.set('page_token', token);
    }
    const path = isExperiment ? 'experiments/search' : 'registered-models/search';
    const answer = await upstream.exchange({ method: 'GET', target: `/api/2.0/mlflow/${path}?${search}` });
    const reply = answer.status === 200 ? replyJson(answer) : undefined;
    if (reply === undefined) {
      throw unavailable('The MLflow server did not list what it has. Try again.');
    }
    const rows = propertyAt(reply, isExperiment ? 'experiments' : 'registered_models');
    const next = propertyAt(reply, 'next_page_token');
    return {
      things: (Array.isArray(rows) ? rows : [])
        .map((row: unknown) => thingIn(kind, row))
        .filter(({ name }) => name.toLowerCase().includes(contains.toLowerCase())),
      next: typeof next === 'string' && next !== '' ? next : undefined,
    };
  };
}

function thingIn(kind: ListedKind, row: unknown): SeenThing {
  const name = String(propertyAt(row, 'name'));
  return kind === 'experiment'
    ? { id: String(propertyAt(row, 'experiment_id')), name }
    : { id: name, name, isPrompt: hasPromptTag(row) };
}

/** Whether nothing in a text could reach around the quotes of a filter. What is not plain is looked for among all. */
const isPlain = (text: string): boolean => /^[\w .:@+/-]+$/.test(text);
