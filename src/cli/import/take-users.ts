import { addUser } from '../../admin/deeds/users.ts';
import { ApiError } from '../../errors.ts';
import type { StoreParts } from '../../store/index.ts';
import type { User } from '../../store/types.ts';
import { NO_PASSWORD } from '../../store/types.ts';
import type { NewPassword } from '../show-once.ts';
import type { ChosenPassword } from './choose-passwords.ts';
import type { SourceUser } from './read-basic-auth.ts';
import { quoted, type Tally } from './tally.ts';

/** Who of the source is in the store now. */
export interface TakenUsers {
  /** By their ids in the source. */
  readonly users: ReadonlyMap<number, User>;
  /** The passwords that were made up and are in force. */
  readonly made: readonly NewPassword[];
}

/** Creates the users who are missing. */
export async function takeUsers(
  sources: readonly SourceUser[],
  chosen: ReadonlyMap<number, ChosenPassword>,
  users: StoreParts['users'],
  tally: Tally,
): Promise<TakenUsers> {
  const taken = new Map<number, User>();
  const made: NewPassword[] = [];
  for (const source of sources) {
    const username = source.username ?? '';
    const there = await users.get(username);
    const password = chosen.get(source.id) ?? { hash: NO_PASSWORD };
    const here = there ?? (await takeUser(username, password.hash, source.isAdmin, users));
    if (typeof here === 'string') {
      tally.leave('users', `user ${quoted(username)}: ${here}`);
      continue;
    }
    taken.set(source.id, here);
    tally.counts.users[there === undefined ? 'taken' : 'alreadyThere'] += 1;
    if (there === undefined && password.made !== undefined) {
      made.push({ username, password: password.made });
    }
    warn(here, source, tally);
  }
  return { users: taken, made };
}

function warn({ username, passwordHash, isAdmin }: User, source: SourceUser, { warnings }: Tally): void {
  if (isAdmin !== source.isAdmin) {
    warnings.push(
      `${username} was there and is ${isAdmin ? 'an' : 'no'} admin, other than in the file. That was not changed.`,
    );
  }
  if (passwordHash === NO_PASSWORD) {
    warnings.push(
      `${username} has no password that could be taken. Set one: mlflow-auth-client update-user-password ${username}`,
    );
  }
}

async function takeUser(
  username: string,
  passwordHash: string,
  isAdmin: boolean,
  users: StoreParts['users'],
): Promise<User | string> {
  try {
    // Review queues of MLflow name users who were there before, and MLflow does not say since when.
    return await addUser(users, { username, passwordHash, isAdmin, createdAt: 0 });
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    if (error.code === 'RESOURCE_ALREADY_EXISTS') {
      return 'another user has this name in another spelling';
    }
    if (error.code === 'INVALID_PARAMETER_VALUE') {
      return error.message;
    }
    throw error;
  }
}
