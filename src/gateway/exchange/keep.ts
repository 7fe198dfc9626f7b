import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { CHILD_KINDS, type ChildKind } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';
import type { RootKind } from '../../policy/resources.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { type JobParts, judgeJob } from '../judges/job.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Judgement } from '../reference.ts';
import type { Shown } from '../search/shown.ts';

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);
const isChild = (kind: string): kind is ChildKind => CHILDREN.has(kind);

/** Look-ups made at the same time for one list: MLflow answers few at once, and others wait too. */
const LOOK_UPS_AT_ONCE = 8;

/** What a caller is shown of the list that a rule is about. */
export function shownTo(
  parts: JobParts,
  request: FastifyRequest,
  caller: SignedIn,
  keep: Pick<RuleOf<'keep'>, 'kind' | 'action' | 'part' | 'below'>,
): Shown {
  const { shows } = request.way;
  if (shows !== undefined) {
    return { mayRead: (_id, row) => shows(row), only: undefined, everything: false };
  }
  const { kind, action = 'read', part, below } = keep;
  if (below !== undefined) {
    const path = String(valuesAt(below, readable(request))[0] ?? '');
    return eachBy(async (id) => parts.judge.on(caller, { kind, id: `${path}/${id}`, action }));
  }
  if (!isChild(kind)) {
    return visibilityOf(parts.judge, caller, kind as RootKind, part !== undefined);
  }
  const judgement = async (id: string, row: JsonObject) =>
    kind === 'job' ? judgeJob(parts, caller, 'read', id) : parts.judge.on(caller, { kind, id, action, row });
  return eachBy(judgement);
}

/** Shows a row by what it belongs to, each looked up. */
function eachBy(judgement: (id: string, row: JsonObject) => Promise<Judgement>): Shown {
  return {
    // MLflow may not say what a row belongs to. That row is hidden and the others are shown: one row that is stored
    // wrongly must not take the list from everybody.
    mayRead: (id, row) =>
      judgement(id, row)
        .then(({ allow }) => allow)
        .catch(() => false),
    only: undefined,
    everything: false,
    atOnce: LOOK_UPS_AT_ONCE,
  };
}
