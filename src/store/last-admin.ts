import type { Transaction } from 'kysely';
import { ApiError } from '../errors.ts';
import type { Schema } from './schema.ts';
import { NO_PASSWORD } from './types.ts';

/**
 * Refuses what would leave no admin who may sign in. Two gateways cannot both pass: only one transaction of all that write
 * goes on at a time.
 *
 * @param issuers - the providers by which alone admins sign in; undefined where their passwords are taken.
 * @throws ApiError BAD_REQUEST.
 */
export async function refuseLastAdmin(
  transaction: Transaction<Schema>,
  id: number,
  issuers?: readonly string[],
): Promise<void> {
  const [last, another] = await firstAdmins(transaction);
  if (last?.id === id && another === undefined) {
    throw new ApiError(
      'BAD_REQUEST',
      `User (username=${last.username}) is the last admin. Make another user an admin first.`,
    );
  }
  if (issuers !== undefined) {
    const [lastThere, anotherThere] = await firstAdmins(transaction, issuers);
    if (lastThere?.id === id && anotherThere === undefined) {
      throw lastByProvider(lastThere.username);
    }
  }
}

/**
 * Does what may take the last admin's way in, which is undone if it has.
 *
 * @param issuers - as in {@link refuseLastAdmin}.
 * @throws ApiError BAD_REQUEST, after which the transaction is to be rolled back.
 */
export async function keepingAdmin<T>(
  transaction: Transaction<Schema>,
  issuers: readonly string[] | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (issuers === undefined) {
    return work();
  }
  const [before] = await firstAdmins(transaction, issuers);
  const done = await work();
  if (before !== undefined && (await firstAdmins(transaction, issuers)).length === 0) {
    throw lastByProvider(before.username);
  }
  return done;
}

const lastByProvider = (username: string): ApiError =>
  new ApiError(
    'BAD_REQUEST',
    `User (username=${username}) is the last admin who can sign in by a provider of single sign-on, and no password is taken (local_sign_in = nobody). Make another user of a provider an admin first.`,
  );

/** Two admins at most: whether there is more than one is all that is asked. */
async function firstAdmins(transaction: Transaction<Schema>, issuers?: readonly string[]) {
  const found = issuers === undefined ? admins(transaction) : byProvider(transaction, issuers);
  return found.limit(2).execute();
}

/** Who may do everything and may sign in. */
function admins(transaction: Transaction<Schema>) {
  return (
    transaction
      .selectFrom('users')
      .select(['id', 'username'])
      .where('is_admin', '=', 1)
      .where('is_active', '=', 1)
      // A service account signs in by tokens, which end.
      .where('is_service', '=', 0)
      // Nor does one sign in who was invited and has chosen no password yet.
      .where(({ or, eb, exists, selectFrom }) =>
        or([
          eb('password_hash', '!=', NO_PASSWORD),
          exists(
            selectFrom('identities')
              .select('identities.user_id')
              .whereRef('identities.user_id', '=', 'users.id'),
          ),
        ]),
      )
  );
}

function byProvider(transaction: Transaction<Schema>, issuers: readonly string[]) {
  return admins(transaction).where(({ exists, selectFrom }) =>
    exists(
      selectFrom('identities')
        .select('identities.user_id')
        .whereRef('identities.user_id', '=', 'users.id')
        .where('identities.issuer', 'in', issuers),
    ),
  );
}
