import { type Kysely, sql } from 'kysely';
import { withMembership } from '../policy/membership.ts';
import { type AccessRequests, createAccessRequests } from './access-requests.ts';
import { loadAccount } from './account.ts';
import { type Audit, createAudit } from './audit/index.ts';
import { type Changes, createChanges } from './changes.ts';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import type { Engine } from './engine.ts';
import { createExperiments, type Experiments } from './experiments.ts';
import { createGrants, type Grants } from './grants.ts';
import { createIdentities, type Identities } from './identities.ts';
import { createIntents, type Intents } from './intents.ts';
import { createInvitations, type Invitations } from './invitations.ts';
import { migrate } from './migrations/index.ts';
import { createOwners, type Owners } from './owners.ts';
import { createProviderSessions, type ProviderSessions } from './provider-sessions.ts';
import { createRoles, type Roles } from './roles.ts';
import type { Schema } from './schema.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createThrottles, type Throttles } from './throttles.ts';
import { createTokens, type Tokens } from './tokens.ts';
import type { Account } from './types.ts';
import { createUsers, type Users } from './users.ts';
import { DEFAULT_WORKSPACE } from './workspace.ts';
import { createWrite, tellTime, type Write } from './write.ts';

/** What {@link Store.atOnce} works on. */
export interface StoreParts {
  readonly users: Users;
  readonly grants: Grants;
  readonly roles: Roles;
  readonly audit: Audit;
  readonly throttles: Throttles;
  readonly experiments: Experiments;
  readonly tokens: Tokens;
  readonly identities: Identities;
  readonly providerSessions: ProviderSessions;
  readonly sessions: Sessions;
  readonly invitations: Invitations;
  readonly accessRequests: AccessRequests;
}

/**
 * Everything the gateway remembers. Several processes may share one store. What a verb has answered survives
 * a crash; a database that gives no answer is an ApiError 503.
 */
export interface Store extends StoreParts {
  readonly intents: Intents;
  readonly owners: Owners;
  readonly changes: Changes;
  /** The workspace that grants, names and intents are of. */
  readonly workspace: string;
  /** The same store, about a workspace of an MLflow that has them. */
  within(workspace: string): Store;
  /** A user with its own grants and those of its roles, all as of one moment. */
  account(username: string): Promise<Account | undefined>;
  /**
   * Does many things as one: all of them are kept, and seen by others, when the work resolves, none if it throws.
   * Much faster than one by one, but until then nobody else can write, so it is not to wait for anything else.
   *
   * @param work - must use the parts it is given: the store's own verbs would wait for the work to end.
   */
  atOnce<T>(work: (parts: StoreParts) => Promise<T>): Promise<T>;
  /** What time it is for every gateway on the store, in milliseconds since the epoch. */
  now(): Promise<number>;
  /** 32 random bytes that every gateway on this store has alike, and nobody else. */
  pageTokenKey(): Promise<Uint8Array>;
  /** Resolves if the database answers. */
  ping(): Promise<void>;
  /** Ends all use. Closing twice does nothing. */
  close(): Promise<void>;
}

export interface StoreOptions extends DatabaseOptions {
  /**
   * The issuers by which alone admins sign in: one of those whom they mean stays an admin. Undefined where passwords of admins
   * are taken.
   */
  readonly adminsBy?: readonly string[] | undefined;
}

/**
 * Opens a store and brings its schema up to date.
 *
 * @param databaseUri - a SQLAlchemy URI, see `readDatabaseUri`.
 * @throws Error if the URI, the file or what is in it will not do, with what to write instead.
 */
export async function openStore(databaseUri: string, options: StoreOptions): Promise<Store> {
  const { engine, reads, writes, close } = await openDatabase(databaseUri, options);
  try {
    await migrate(writes, engine);
  } catch (error) {
    await close();
    throw error;
  }
  return storeOn({ engine, reads, write: createWrite(writes, engine), close, adminsBy: options.adminsBy });
}

interface Opened extends Pick<Database, 'engine' | 'reads' | 'close'> {
  readonly write: Write;
  readonly adminsBy: StoreOptions['adminsBy'];
}

/** @param within - the workspace that it is about; left out for the default one of an MLflow that may have no others. */
function storeOn(opened: Opened, within?: string): Store {
  const { engine, reads, write, close, adminsBy } = opened;
  const workspace = within ?? DEFAULT_WORKSPACE;
  const partsOn = (on: Kysely<Schema>, by: Write): StoreParts => ({
    users: createUsers(on, by, adminsBy),
    grants: grantsIn(on, by, engine, within),
    roles: createRoles(on, by, engine),
    audit: createAudit(on, by, engine),
    throttles: createThrottles(on, by, engine),
    experiments: createExperiments(on, by, engine),
    tokens: createTokens(on, by),
    identities: createIdentities(on, by, adminsBy),
    providerSessions: createProviderSessions(on, by),
    sessions: createSessions(on, by, engine),
    invitations: createInvitations(on, by, engine),
    accessRequests: createAccessRequests(on, by, engine, workspace),
  });
  return {
    ...partsOn(reads, write),
    workspace,
    within: (name) => storeOn(opened, name),
    intents: createIntents(reads, write, engine, workspace),
    owners: createOwners(reads, write),
    changes: createChanges(engine),
    async account(username) {
      const account = await loadAccount(reads, username, engine);
      return within === undefined || account === undefined
        ? account
        : { ...account, grants: withMembership(account.held.get(within) ?? []) };
    },
    atOnce: (work) =>
      write((transaction, announce, now) =>
        work(partsOn(transaction, (each) => each(transaction, announce, now))),
      ),
    now: () => tellTime(reads, engine),
    async pageTokenKey() {
      const { value } = await reads
        .selectFrom('keys')
        .select('value')
        .where('name', '=', 'page-token')
        .executeTakeFirstOrThrow();
      return Buffer.from(value, 'base64');
    },
    async ping() {
      // Asked as it is on the way of every request: a file that was moved away or replaced is no store.
      engine.check();
      await sql`select 1`.execute(reads);
    },
    close,
  };
}

/** In a workspace of an MLflow that has them, whoever is a member may read what is in it. */
function grantsIn(
  on: Kysely<Schema>,
  by: Write,
  engine: Pick<Engine, 'now'>,
  within: string | undefined,
): Grants {
  const grants = createGrants(on, by, engine, within);
  return within === undefined
    ? grants
    : {
        ...grants,
        async heldOn(types, patterns) {
          const held = await grants.heldOn(types, patterns);
          return new Map([...held].map(([userId, each]) => [userId, withMembership(each)]));
        },
      };
}
