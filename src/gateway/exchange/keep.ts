import type { SignedIn } from '../../identity/principal.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { CHILD_KINDS } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { readAnswer } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import type { RootKind } from '../../policy/resources.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { type JobParts, judgeJob } from '../judges/job.ts';
import { filterOnly } from '../search/search.ts';
import { listedIn } from './listed-in.ts';

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);

/** Takes out of a list what the caller may not read. */
export async function keepReadable(
  parts: JobParts,
  answer: Answer,
  keep: RuleOf<'keep'>,
  caller: SignedIn,
): Promise<Answer> {
  if (!CHILDREN.has(keep.kind)) {
    return filterOnly(answer, keep, visibilityOf(parts.judge, caller, keep.kind as RootKind));
  }
  const ids = listedIn(readAnswer(answer), keep.list).map((row) => String(propertyAt(row, keep.id)));
  const allowed = await Promise.all(ids.map((id) => mayKeepChild(parts, caller, keep, id)));
  const readable = new Set(ids.filter((_, index) => allowed[index]));
  return filterOnly(answer, keep, { mayRead: (id) => readable.has(id) });
}

async function mayKeepChild(
  parts: JobParts,
  caller: SignedIn,
  { kind, action = 'read' }: RuleOf<'keep'>,
  id: string,
): Promise<boolean> {
  if (kind === 'job') {
    return (await judgeJob(parts, caller, 'read', id)).allow;
  }
  return (await parts.judge.on(caller, { kind, id, action })).allow;
}
