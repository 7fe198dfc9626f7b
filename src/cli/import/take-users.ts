import { checkUsername } from '../../admin/users.ts';
import { ApiError } from '../../errors.ts';
import type { Store } from '../../store/index.ts';
import type { User } from '../../store/types.ts';
import type { SourceUser } from './read-basic-auth.ts';
import { quoted, type Tally } from './tally.ts';

/**
 * The hash of no password. Users have it until everything that restricts them is in the store as well: with a
 * gateway running, or after a crash halfway, nobody signs in who is not yet refused what is refused to them.
 */
export const NOT_YET = '!';

/** Creates the users who are missing; answers those who are in the store now, by their ids in the source. */
export async function takeUsers(
  users: readonly SourceUser[],
  store: Store,
  tally: Tally,
): Promise<ReadonlyMap<number, User>> {
  const taken = new Map<number, User>();
  for (const user of users) {
    const username = user.username ?? '';
    const here = whyNotUsable(username) ?? (await takeUser(username, user.isAdmin, store));
    if (typeof here === 'string') {
      tally.leave('users', `user ${quoted(username)}: ${here}`);
      continue;
    }
    taken.set(user.id, here);
    tally.counts.users[here.passwordHash === NOT_YET ? 'taken' : 'alreadyThere'] += 1;
    if (here.isAdmin !== user.isAdmin) {
      tally.warnings.push(
        `${username} was there and is ${here.isAdmin ? 'an' : 'no'} admin, other than in the file. That was not changed.`,
      );
    }
  }
  return taken;
}

async function takeUser(username: string, isAdmin: boolean, store: Store): Promise<User | string> {
  const there = await store.users.get(username);
  if (there !== undefined) return there;
  try {
    return await store.users.create({ username, passwordHash: NOT_YET, isAdmin });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'RESOURCE_ALREADY_EXISTS')
      return 'somebody has this name in another spelling';
    throw error;
  }
}

function whyNotUsable(username: string): string | undefined {
  try {
    checkUsername(username);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
