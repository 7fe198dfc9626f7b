import { isObject } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { joinId } from '../../mlflow/things/identifiers.ts';
import { CHILD_LOOK_UPS } from '../../mlflow/things/look-ups.ts';
import { rowsIn } from '../../mlflow/upstream/answer-json.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import { refuses } from '../../policy/permissions.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

export interface OnlineConfigsParts {
  readonly judge: Judge;
  readonly upstream: Upstream;
}

/**
 * Hides how scorers run online that are denied to the caller. A row names its scorer by an id and the grants do by name:
 * which is which is asked only for callers to whom any scorer is denied; for all others the experiment decides.
 */
export function onlineConfigs({ judge, upstream }: OnlineConfigsParts): Special {
  return async ({ way }, caller) => {
    if (!caller.grantsOfKind('scorer').some(({ permission }) => refuses(permission))) {
      return undefined;
    }
    const [{ target, at }] = CHILD_LOOK_UPS.scorer_id.ways;
    const reply = await ask(upstream, target(''), []);
    const named = new Map(
      rowsIn(isObject(reply) ? reply[at] : undefined).map((scorer) => {
        const [experiment, name] = ['experiment_id', 'scorer_name'].map((each) => propertyAt(scorer, each));
        return [scorer['scorer_id'], joinId(String(experiment), String(name))];
      }),
    );
    way.shows = (row) => {
      const scorer = named.get(row['scorer_id']);
      const experiment = { kind: 'experiment', id: String(row['experiment_id']) } as const;
      return (
        judge.onRoot(caller, 'read', experiment).allow &&
        // One without a version has nothing that runs.
        (scorer === undefined || judge.onRoot(caller, 'read', { kind: 'scorer', id: scorer }).allow)
      );
    };
    return undefined;
  };
}
