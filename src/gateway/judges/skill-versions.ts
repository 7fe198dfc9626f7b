import { invalid } from '../../errors.ts';
import { isObject } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { partsOfSkillName } from '../../mlflow/read/skill-name.ts';
import type { From } from '../../mlflow/table/row.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { rowsIn } from '../../mlflow/upstream/answer-json.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { TrackOptions } from '../adoption/track.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { textsAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import { checkMayMake, makeFirst, type ToMake } from './make-first.ts';
import type { Special } from './special.ts';

export interface SkillVersionsParts extends TrackOptions {
  readonly judge: Judge;
}

const SKILLS = '/api/3.0/mlflow/skills';
/** Names asked for at once: what MLflow reads of an address ends at 64 KiB. */
const AT_ONCE = 100;

/**
 * Judges who may add versions to skills: a caller who may change those that are there, each of them; the others are made
 * and become the caller's. MLflow makes them along with their first versions, and asks nobody.
 *
 * @param asks - where the request names them.
 */
export function skillVersions(parts: SkillVersionsParts): Special<From> {
  const { judge, upstream } = parts;

  /** Those of some skills that are there. */
  async function existing(names: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let start = 0; start < names.length; start += AT_ONCE) {
      const query = new URLSearchParams({ max_results: String(AT_ONCE) });
      for (const name of names.slice(start, start + AT_ONCE)) {
        query.append('include_skill_identities', name);
      }
      const reply = await ask(upstream, `${SKILLS}?${query}`, []);
      for (const row of rowsIn(isObject(reply) ? reply['skills'] : undefined)) {
        found.add(String(propertyAt(row, '@organization/name')));
      }
    }
    return found;
  }

  return async (request, caller, asks) => {
    const names = [...new Set(textsAt(asks, readable(request)))];
    if (names.length === 0 || !names.every((name) => isCanonical('skill', name))) {
      throw invalid('The request does not name skills as MLflow does: name, or @organization/name.');
    }
    const { operation } = request.way;
    const mayUpdate = async (each: readonly string[]) => {
      const references = each.map((id): Reference => ({ kind: 'skill', id, action: 'update' }));
      await judgeAll(request, caller, references, judge);
    };

    const there = await existing(names);
    await mayUpdate(names.filter((name) => there.has(name)));
    const missing = names.filter((name) => !there.has(name)).map(toMake);
    // All are judged before the first is made.
    for (const each of missing) {
      checkMayMake(caller, each, judge);
    }
    for (const each of missing) {
      if (operation === undefined || !(await makeFirst(parts, each, operation, caller))) {
        await mayUpdate([each.name]);
      }
    }
    request.way.because ||= 'creates them';
    return undefined;
  };
}

function toMake(name: string): ToMake {
  const parts = partsOfSkillName(name) ?? { organization: '', name };
  return { kind: 'skill', name, target: SKILLS, body: parts };
}
