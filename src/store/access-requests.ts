import type { Kysely, Selectable, Transaction } from 'kysely';
import { ApiError, alreadyExists } from '../errors.ts';
import type { Permission } from '../policy/permissions.ts';
import type { Engine } from './engine.ts';
import { notAfter } from './moment.ts';
import { typesSharingNamesWith } from './namespaces.ts';
import { readPermission } from './read-grant.ts';
import type { Schema } from './schema.ts';
import type { Write } from './write.ts';

/** What a user asks whoever manages a thing for. It gives no right by itself. */
export interface AccessRequest {
  readonly id: number;
  readonly userId: number;
  readonly username: string;
  readonly workspace: string;
  readonly type: string;
  /** What was asked for, in the words of who asked: what became of the name is for others to know. */
  readonly askedFor: string;
  /** What that is called now; undefined if it is gone, or another has its name. */
  readonly resourceId: string | undefined;
  readonly permission: Permission;
  readonly message: string;
  /** Milliseconds since the epoch, as all times. */
  readonly createdAt: number;
  readonly state: 'open' | 'granted' | 'declined';
  /** What was granted, if something was. */
  readonly granted: Permission | undefined;
  /** What was said to it. */
  readonly answer: string | undefined;
  readonly answeredAt: number | undefined;
  readonly answeredBy: string | undefined;
}

export interface NewAccessRequest {
  readonly userId: number;
  readonly type: string;
  readonly id: string;
  readonly permission: Permission;
  readonly message: string;
}

/** How many requests a user may have open, and how long each is kept. */
export interface AccessRequestLimits {
  readonly most: number;
  readonly keepMs: number;
}

/** What a list goes on behind, and how long requests are kept. */
interface Page {
  /** The id of the last one of the page before. */
  readonly after: number | undefined;
  readonly limit: number;
  readonly keepMs: number;
}

export interface Answering {
  readonly state: 'granted' | 'declined';
  /** What the thing is called that the answer is about: one that was renamed meanwhile is not answered. */
  readonly resourceId: string;
  readonly granted?: Permission | undefined;
  readonly answer?: string | undefined;
  /** The name of the user who answers. */
  readonly by: string;
}

/** Requests for access, in the workspace that the store is about. */
export interface AccessRequests {
  /**
   * Notes a request, whether or not there is such a thing.
   *
   * @throws ApiError RESOURCE_ALREADY_EXISTS if the user has asked for it and has no answer yet, RESOURCE_EXHAUSTED if the
   * user has asked for too much.
   */
  create(request: NewAccessRequest, limits: AccessRequestLimits): Promise<AccessRequest>;
  /** A request that is kept, answered or not. */
  get(id: number, keepMs: number): Promise<AccessRequest | undefined>;
  /**
   * Open requests of users who may sign in, oldest first.
   *
   * @param only - those about one of these things; about any if left out.
   */
  open(page: Page, only?: readonly Subject[]): Promise<readonly AccessRequest[]>;
  /** What one user has asked for in any workspace, newest first. */
  ofUser(userId: number, page: Page): Promise<readonly AccessRequest[]>;
  /** Answers a request; false if it was answered, withdrawn or about another thing meanwhile. */
  answer(id: number, answering: Answering): Promise<boolean>;
  /** Takes back a request that is open; false if the user has none of this id. */
  withdraw(id: number, userId: number): Promise<boolean>;
  /** Removes what is kept no longer. */
  prune(keepMs: number): Promise<void>;
}

/** A thing that is asked for. */
export interface Subject {
  readonly type: string;
  readonly id: string;
}

export function createAccessRequests(
  db: Kysely<Schema>,
  write: Write,
  engine: Pick<Engine, 'now'>,
  workspace: string,
): AccessRequests {
  return {
    ...reading(db, engine, workspace),
    create: (request, limits) =>
      write(async (transaction, _announce, now) => {
        await removeOld(transaction, now - limits.keepMs);
        await refuseAgain(transaction, workspace, request);
        await refuseMore(transaction, request.userId, limits.most);
        const { id } = await transaction
          .insertInto('access_requests')
          .values({
            ...{ user_id: request.userId, workspace, resource_type: request.type },
            ...{ asked_for: request.id, resource_id: request.id },
            ...{ permission: request.permission, message: request.message },
            ...{ created_at: now, state: 'open' },
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        const row = await withAsker(transaction)
          .where('access_requests.id', '=', id)
          .executeTakeFirstOrThrow();
        return readRequest(row);
      }),

    answer: (id, { state, resourceId, granted, answer, by }) =>
      write(async (transaction, _announce, now) => {
        const { numUpdatedRows } = await transaction
          .updateTable('access_requests')
          .set({ state, granted: granted ?? null, answer: answer ?? null, answered_at: now, answered_by: by })
          .where('id', '=', id)
          .where('state', '=', 'open')
          .where('resource_id', '=', resourceId)
          .executeTakeFirstOrThrow();
        return numUpdatedRows > 0n;
      }),

    withdraw: (id, userId) =>
      write(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('access_requests')
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .where('state', '=', 'open')
          .executeTakeFirstOrThrow();
        return numDeletedRows > 0n;
      }),

    prune: (keepMs) => write((transaction, _announce, now) => removeOld(transaction, now - keepMs)),
  };
}

function reading(
  db: Kysely<Schema>,
  { now }: Pick<Engine, 'now'>,
  workspace: string,
): Pick<AccessRequests, 'get' | 'open' | 'ofUser'> {
  const kept = (keepMs: number) =>
    withAsker(db).where(({ eb }) => eb(eb('access_requests.created_at', '+', keepMs), '>', now()));
  return {
    async get(id, keepMs) {
      const row = await kept(keepMs)
        .where('access_requests.id', '=', id)
        .where('workspace', '=', workspace)
        .executeTakeFirst();
      return row && readRequest(row);
    },

    async open({ after = 0, limit, keepMs }, only) {
      let query = kept(keepMs)
        .where('state', '=', 'open')
        .where('workspace', '=', workspace)
        .where('resource_id', 'is not', null)
        .where('users.is_active', '=', 1)
        .where('access_requests.id', '>', after)
        .orderBy('access_requests.id')
        .limit(limit);
      if (only !== undefined) {
        query = query.where(({ or, and, eb }) =>
          or(
            [...Map.groupBy(only, ({ type }) => type)].map(([type, things]) =>
              and([
                eb('resource_type', '=', type),
                eb(
                  'resource_id',
                  'in',
                  things.map(({ id }) => id),
                ),
              ]),
            ),
          ),
        );
      }
      return (await query.execute()).map(readRequest);
    },

    async ofUser(userId, { after, limit, keepMs }) {
      let query = kept(keepMs)
        .where('user_id', '=', userId)
        .orderBy('access_requests.id', 'desc')
        .limit(limit);
      if (after !== undefined) {
        query = query.where('access_requests.id', '<', after);
      }
      return (await query.execute()).map(readRequest);
    },
  };
}

const withAsker = (db: Kysely<Schema>) =>
  db
    .selectFrom('access_requests')
    .innerJoin('users', 'users.id', 'access_requests.user_id')
    .selectAll('access_requests')
    .select('users.username');

async function removeOld(transaction: Transaction<Schema>, before: number): Promise<void> {
  await transaction.deleteFrom('access_requests').where('created_at', '<=', before).execute();
}

/** @throws ApiError RESOURCE_ALREADY_EXISTS, by what the user has asked for alone: not by what has become of it. */
async function refuseAgain(
  transaction: Transaction<Schema>,
  workspace: string,
  { userId, type, id }: NewAccessRequest,
): Promise<void> {
  const open = await transaction
    .selectFrom('access_requests')
    .select('id')
    .where('user_id', '=', userId)
    .where('workspace', '=', workspace)
    .where('resource_type', '=', type)
    .where('asked_for', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (open !== undefined) {
    throw alreadyExists('You have asked for this already. Wait for an answer, or withdraw it and ask again.');
  }
}

/** @throws ApiError RESOURCE_EXHAUSTED. */
async function refuseMore(transaction: Transaction<Schema>, userId: number, most: number): Promise<void> {
  const { count } = await transaction
    .selectFrom('access_requests')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('user_id', '=', userId)
    .where('state', '=', 'open')
    .executeTakeFirstOrThrow();
  if (Number(count) >= most) {
    throw new ApiError(
      'RESOURCE_EXHAUSTED',
      `You can have ${most} requests without an answer. Wait for one, or withdraw one that you need no more.`,
    );
  }
}

/** What has come to a thing: of this name in a workspace, asked for until a moment, or ever. */
interface Fate {
  readonly workspace: string;
  readonly kind: string;
  readonly id: string;
  readonly before?: number | undefined;
  /** What time it is, where there is a moment. */
  readonly now?: number;
}

/**
 * Has requests be about nothing any more, as the thing is gone: nobody sees them, and those who asked see no difference. The
 * next thing of that name is another.
 */
export async function loseSubject(transaction: Transaction<Schema>, fate: Fate): Promise<void> {
  await about(transaction, fate).set({ resource_id: null }).execute();
}

/** Has requests follow a thing to another name. */
export async function moveSubject(transaction: Transaction<Schema>, fate: Fate, to: string): Promise<void> {
  await about(transaction, fate).set({ resource_id: to }).execute();
}

function about(transaction: Transaction<Schema>, { workspace, kind, id, before, now = 0 }: Fate) {
  const found = transaction
    .updateTable('access_requests')
    .where('workspace', '=', workspace)
    .where('resource_type', 'in', typesSharingNamesWith(kind))
    .where('resource_id', '=', id);
  return before === undefined ? found : found.where(notAfter('created_at', before, now));
}

function readRequest(
  row: Selectable<Schema['access_requests']> & { readonly username: string },
): AccessRequest {
  return {
    id: row.id,
    userId: row.user_id,
    username: row.username,
    workspace: row.workspace,
    type: row.resource_type,
    askedFor: row.asked_for,
    resourceId: row.resource_id ?? undefined,
    permission: readPermission(row.permission),
    message: row.message,
    createdAt: row.created_at,
    state: row.state === 'granted' || row.state === 'declined' ? row.state : 'open',
    granted: row.granted === null ? undefined : readPermission(row.granted),
    answer: row.answer ?? undefined,
    answeredAt: row.answered_at ?? undefined,
    answeredBy: row.answered_by ?? undefined,
  };
}
