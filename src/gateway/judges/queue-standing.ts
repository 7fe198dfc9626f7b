import type { SignedIn } from '../../identity/principal.ts';
import type { Action } from '../../policy/permissions.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import { type Queue, sameName } from './queue.ts';

/** How one caller stands to one queue. */
export interface Standing {
  readonly may: (action: Action) => boolean;
  readonly owns: boolean;
  readonly isMember: boolean;
  readonly custom: boolean;
}

export interface StandingParts {
  readonly judge: Judge;
  readonly store: Pick<Store, 'owners' | 'users'>;
}

/**
 * Finds out how users stand to review queues. MLflow names owner and reviewers by their names: who has a name now need
 * not be who had it when the queue was last written.
 */
export function createStandings({ judge, store }: StandingParts) {
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

  async function of(caller: SignedIn, queue: Queue): Promise<Standing> {
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

  return { of, mayOn, isUser, isLater, laterMembers };
}
