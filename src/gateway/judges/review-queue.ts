import type { FastifyRequest } from 'fastify';
import { denied, invalid } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { text } from '../../mlflow/read/json.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import { changedAt, findQueue, folded, membersOf, type Queue, readQueue, sameName } from './queue.ts';
import { createStandings, type Standing } from './queue-standing.ts';
import type { Special } from './special.ts';

export interface ReviewQueueParts {
  readonly judge: Judge;
  readonly upstream: Upstream;
  readonly store: Pick<Store, 'owners' | 'users'>;
}

interface Parts extends ReviewQueueParts {
  readonly standings: ReturnType<typeof createStandings>;
}

type Test = (standing: Standing) => boolean;

/** Ownership adds to EDIT, it never stands in for it. */
const owns: Test = ({ may, owns }) => may('manage') || (may('update') && owns);
const prunes: Test = (standing) => owns(standing) && (standing.may('manage') || standing.custom);
const opens: Test = (standing) => standing.isMember || owns(standing);
const reviews: Test = ({ may, isMember }) => may('update') && isMember;

const OPENING = [opens, 'Only its reviewers, its owner and users with MANAGE may open it.'] as const;
const CHANGING = [owns, 'Only its owner and users with MANAGE may change it.'] as const;
const PRUNING = [prunes, 'Only the owner of a custom queue and users with MANAGE may do this.'] as const;
const REVIEWING = [reviews, 'Only its reviewers may do this, with EDIT on the experiment.'] as const;

type Asked = SpecialQuestions['review-queue'];

/** What is asked of a queue that is there, besides the row's own need on the experiment. */
const TESTS: Readonly<
  Record<Exclude<Asked, 'create' | 'make-own' | 'list'>, readonly [test: Test, hint: string]>
> = {
  open: OPENING,
  'open-by-name': OPENING,
  change: CHANGING,
  prune: PRUNING,
  review: REVIEWING,
};

/**
 * Judges the operations on review queues, which depend on who made a queue and who is to review. MLflow
 * stores no owner of a new queue without its own auth app: the gateway's record counts, until a user who
 * holds MANAGE names another owner, whom MLflow does store.
 *
 * @see the `validate_can_*_review_queue*` functions of mlflow/server/auth/__init__.py (3.17)
 */
export function reviewQueue(given: ReviewQueueParts): Special<Asked> {
  const parts = { ...given, standings: createStandings(given) };

  return async (request, caller, asks) => {
    const { body, query } = request.way;
    const experimentId = text(body['experiment_id']) ?? query.get('experiment_id')?.[0] ?? '';
    switch (asks) {
      case 'create':
        if (body['queue_type'] === 'USER') {
          checkUser(parts, caller, text(body['name']) ?? '', experimentId);
        } else {
          await checkName(parts, text(body['name']) ?? '');
        }
        return undefined;
      case 'make-own':
        checkUser(parts, caller, text(body['user']) ?? '', experimentId);
        await checkOwnQueue(parts, caller, text(body['user']) ?? '', experimentId);
        return undefined;
      case 'list':
        request.way.shows = await shownTo(parts, caller, experimentId);
        return undefined;
      default:
        // A new question is asked for in TESTS.
        return judgeStanding(parts, request, caller, asks);
    }
  };
}

async function checkName({ standings }: Parts, name: string): Promise<void> {
  if (await standings.isUser(name)) {
    throw invalid('A custom review queue cannot have the name of a user. Choose another name.');
  }
}

/** A user's own queue is theirs to make, or of a caller who holds MANAGE. */
function checkUser({ standings }: Parts, caller: SignedIn, name: string, experimentId: string): void {
  if (sameName(name, caller.username) || standings.mayOn(caller, 'manage', experimentId)) {
    return;
  }
  throw denied("Another user's review queue needs MANAGE on the experiment.");
}

async function judgeStanding(
  parts: Parts,
  request: FastifyRequest,
  caller: SignedIn,
  asks: keyof typeof TESTS,
): Promise<undefined> {
  const queue = await readQueue(parts.upstream, lookUpOf(request, asks));
  const standing = await parts.standings.of(caller, queue);
  const [test, hint] = TESTS[asks];
  if (!test(standing)) {
    throw denied(hint, `${caller.username} may not do this to queue ${queue.id}`);
  }
  if (asks === 'change') {
    await checkChange(parts, request, queue, standing);
  }
  return undefined;
}

/** What a change of a queue may say, for a caller who may change it. */
async function checkChange(
  parts: Parts,
  { way: { body } }: FastifyRequest,
  queue: Queue,
  standing: Standing,
): Promise<void> {
  if (body['new_owner'] !== undefined && !standing.may('manage')) {
    throw denied('To name another owner needs MANAGE on the experiment.');
  }
  if (body['name'] !== undefined) {
    await checkName(parts, text(body['name']) ?? '');
  }
  // Any change makes the queue newer than the users whom it names.
  const [later] = body['users'] === undefined ? await parts.standings.laterMembers(queue) : [];
  if (later !== undefined) {
    throw invalid(`The user ${JSON.stringify(later)} is not who was made a reviewer. Send 'users' as well.`);
  }
}

/** MLflow answers with the queue that is there, which may be that of another user who had the name. */
async function checkOwnQueue(
  { upstream, standings }: Parts,
  caller: SignedIn,
  name: string,
  experimentId: string,
): Promise<void> {
  const lookUp = `get-by-name?experiment_id=${encodeURIComponent(experimentId)}&name=${encodeURIComponent(folded(name))}`;
  const queue = await findQueue(upstream, lookUp);
  if (queue !== undefined && sameName(name, caller.username) && (await standings.isLater(caller, queue))) {
    throw denied(
      'This review queue is of a former user of your name. A user with MANAGE on the experiment may delete it.',
    );
  }
}

/** Which queues of an experiment a list shows to a caller. */
async function shownTo(
  { standings, store }: Parts,
  caller: SignedIn,
  experimentId: string,
): Promise<(queue: unknown) => boolean> {
  const seesAll = standings.mayOn(caller, 'update', experimentId);
  const user = await store.users.getById(caller.id);
  return (queue) =>
    seesAll ||
    (user !== undefined &&
      user.createdAt <= changedAt(queue) &&
      membersOf(queue).some((member) => sameName(member, caller.username)));
}

/** Where the queue of a request is asked for: by its id, or by experiment and name. */
function lookUpOf({ way: { body, query } }: FastifyRequest, asks: Asked): string {
  const given = (key: string) => encodeURIComponent(text(body[key]) ?? query.get(key)?.[0] ?? '');
  return asks === 'open-by-name'
    ? `get-by-name?experiment_id=${given('experiment_id')}&name=${given('name')}`
    : `get?queue_id=${given('queue_id')}`;
}
