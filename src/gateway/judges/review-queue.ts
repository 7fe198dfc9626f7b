import type { FastifyRequest } from 'fastify';
import { denied, invalid, unavailable } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { isObject, text } from '../../mlflow/read/json.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Action } from '../../policy/permissions.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

export interface ReviewQueueParts {
  readonly judge: Judge;
  readonly upstream: Upstream;
  readonly store: Pick<Store, 'owners' | 'users'>;
}

/** A queue, reduced to what a decision looks at. */
interface Queue {
  readonly id: string;
  readonly experimentId: string;
  readonly custom: boolean;
  /** A caller who has been made the owner upstream; undefined for a queue as it was created. */
  readonly owner: string | undefined;
  /** Names of the reviewers, as MLflow keeps them: trimmed, in lower case. */
  readonly members: readonly string[];
  /** When its names were last written, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/** How one caller stands to one queue. */
interface Standing {
  readonly may: (action: Action) => boolean;
  readonly owns: boolean;
  readonly isMember: boolean;
  readonly custom: boolean;
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
export function reviewQueue({ judge, upstream, store }: ReviewQueueParts): Special<Asked> {
  const sameName = (a: string, b: string) => folded(a) === folded(b);

  async function isUser(name: string): Promise<boolean> {
    return (await store.users.list()).some(({ username }) => sameName(username, name));
  }

  /** Whether a queue that names this user means another, who had the name before. */
  async function isLater({ id }: Pick<SignedIn, 'id'>, { changedAt }: Pick<Queue, 'changedAt'>) {
    const user = await store.users.getById(id);
    return user === undefined || user.createdAt > changedAt;
  }

  /** The reviewers of a queue whose names have been given to other users since. */
  async function laterMembers(queue: Queue): Promise<readonly string[]> {
    const users = await store.users.list();
    return queue.members.filter((member) =>
      users.some(({ username, createdAt }) => sameName(username, member) && createdAt > queue.changedAt),
    );
  }

  async function standingOf(caller: SignedIn, queue: Queue): Promise<Standing> {
    const recorded = queue.owner === undefined ? await store.owners.get('review_queue', queue.id) : undefined;
    const isNamed = !(await isLater(caller, queue));
    return {
      may: (action) => mayOn(caller, action, queue.experimentId),
      owns:
        queue.owner === undefined
          ? recorded?.userId === caller.id
          : isNamed && sameName(queue.owner, caller.username),
      isMember: isNamed && queue.members.some((member) => sameName(member, caller.username)),
      custom: queue.custom,
    };
  }

  const mayOn = (caller: SignedIn, action: Action, experimentId: string) =>
    judge.onPart(caller, action, 'review_queue', { kind: 'experiment', id: experimentId }).allow;

  async function checkName(name: string): Promise<void> {
    if (await isUser(name)) {
      throw invalid('A custom review queue cannot have the name of a user. Choose another name.');
    }
  }

  /** A user's own queue is theirs to make, or of a caller who holds MANAGE. */
  function checkUser(caller: SignedIn, name: string, experimentId: string): void {
    if (sameName(name, caller.username) || mayOn(caller, 'manage', experimentId)) {
      return;
    }
    throw denied("Another user's review queue needs MANAGE on the experiment.");
  }

  async function judgeStanding(
    request: FastifyRequest,
    caller: SignedIn,
    asks: keyof typeof TESTS,
  ): Promise<undefined> {
    const { body } = request.way;
    const queue = await readQueue(upstream, lookUpOf(request, asks));
    const standing = await standingOf(caller, queue);
    const [test, hint] = TESTS[asks];
    if (!test(standing)) {
      throw denied(hint, `${caller.username} may not do this to queue ${queue.id}`);
    }
    if (asks !== 'change') {
      return undefined;
    }
    if (body['new_owner'] !== undefined && !standing.may('manage')) {
      throw denied('To name another owner needs MANAGE on the experiment.');
    }
    if (body['name'] !== undefined) {
      await checkName(text(body['name']) ?? '');
    }
    // Any change makes the queue newer than the users whom it names.
    const [later] = body['users'] === undefined ? await laterMembers(queue) : [];
    if (later !== undefined) {
      throw invalid(
        `The user ${JSON.stringify(later)} is not who was made a reviewer. Send 'users' as well.`,
      );
    }
    return undefined;
  }

  /** MLflow answers with the queue that is there, which may be that of another user who had the name. */
  async function checkOwnQueue(caller: SignedIn, name: string, experimentId: string): Promise<void> {
    const lookUp = `get-by-name?experiment_id=${encodeURIComponent(experimentId)}&name=${encodeURIComponent(folded(name))}`;
    const queue = await findQueue(upstream, lookUp);
    if (queue !== undefined && sameName(name, caller.username) && (await isLater(caller, queue))) {
      throw denied(
        'This review queue is of a former user of your name. A user with MANAGE on the experiment may delete it.',
      );
    }
  }

  return async (request, caller, asks) => {
    const { body, query } = request.way;
    const experimentId = text(body['experiment_id']) ?? query.get('experiment_id')?.[0] ?? '';
    switch (asks) {
      case 'create':
        if (body['queue_type'] === 'USER') {
          checkUser(caller, text(body['name']) ?? '', experimentId);
        } else {
          await checkName(text(body['name']) ?? '');
        }
        return undefined;
      case 'make-own':
        checkUser(caller, text(body['user']) ?? '', experimentId);
        await checkOwnQueue(caller, text(body['user']) ?? '', experimentId);
        return undefined;
      case 'list': {
        const seesAll = mayOn(caller, 'update', experimentId);
        const user = await store.users.getById(caller.id);
        request.way.shows = (queue) =>
          seesAll ||
          (user !== undefined &&
            user.createdAt <= changedAt(queue) &&
            membersOf(queue).some((member) => sameName(member, caller.username)));
        return undefined;
      }
      case 'open':
      case 'open-by-name':
      case 'change':
      case 'prune':
      case 'review':
        return judgeStanding(request, caller, asks);
    }
  };
}

/** All that Python takes for blanks at the ends of a text, which are more than JavaScript's `trim` takes off. */
const OUTER_BLANKS = /^[\s\p{Cc}]+|[\s\p{Cc}]+$/gu;

/** A name as MLflow compares names of queues and reviewers. */
const folded = (name: string): string => name.replaceAll(OUTER_BLANKS, '').toLowerCase();

/** Where the queue of a request is asked for: by its id, or by experiment and name. */
function lookUpOf({ way: { body, query } }: FastifyRequest, asks: Asked): string {
  const given = (key: string) => encodeURIComponent(text(body[key]) ?? query.get(key)?.[0] ?? '');
  return asks === 'open-by-name'
    ? `get-by-name?experiment_id=${given('experiment_id')}&name=${given('name')}`
    : `get?queue_id=${given('queue_id')}`;
}

async function readQueue(upstream: Upstream, lookUp: string): Promise<Queue> {
  const queue = await findQueue(upstream, lookUp);
  if (queue === undefined) {
    throw denied('There is no such review queue, or it is not yours.');
  }
  return queue;
}

async function findQueue(upstream: Upstream, lookUp: string): Promise<Queue | undefined> {
  const reply = await ask(upstream, `/api/3.0/mlflow/review-queues/${lookUp}`);
  if (reply === undefined) {
    return undefined;
  }
  const queue = isObject(reply) ? reply['review_queue'] : undefined;
  const id = isObject(queue) ? text(queue['queue_id']) : undefined;
  const experimentId = isObject(queue) ? text(queue['experiment_id']) : undefined;
  if (!isObject(queue) || id === undefined || experimentId === undefined) {
    throw unavailable('The MLflow server did not say whose review queue this is. Try again.');
  }
  return {
    id,
    experimentId,
    custom: queue['queue_type'] === 'CUSTOM',
    owner: text(queue['created_by']),
    members: membersOf(queue),
    changedAt: changedAt(queue),
  };
}

/** Undated, it is older than everybody. */
function changedAt(queue: unknown): number {
  const moment = isObject(queue) ? Number(queue['last_update_time_ms']) : 0;
  return Number.isFinite(moment) ? moment : 0;
}

function membersOf(queue: unknown): readonly string[] {
  const users = isObject(queue) ? queue['users'] : undefined;
  return Array.isArray(users) ? users.filter((user: unknown) => typeof user === 'string') : [];
}
