import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { accessRequests } from './access-requests.ts';
import { audit } from './audit.ts';
import { auditSegments } from './audit-segments.ts';
import { experiments } from './experiments.ts';
import { first } from './first.ts';
import { identities } from './identities.ts';
import { intentsInFlight } from './intents-in-flight.ts';
import { invitations } from './invitations.ts';
import { pageTokenKey } from './page-token-key.ts';
import { providerSessions } from './provider-sessions.ts';
import { sessions } from './sessions.ts';
import { throttles } from './throttles.ts';
import { tokens } from './tokens.ts';
import { userStatus } from './user-status.ts';

/**
 * Every step of the schema, oldest first by name. Released steps never change. A step adds and takes nothing away: older
 * gateways go on with the store until they are replaced.
 */
const MIGRATIONS: Readonly<Record<string, (engine: Engine) => Migration>> = {
  '0001-first': first,
  '0002-page-token-key': pageTokenKey,
  '0003-intents-in-flight': intentsInFlight,
  '0010-audit': audit,
  '0011-throttles': throttles,
  '0012-user-status': userStatus,
  '0013-experiments': experiments,
  '0014-tokens': tokens,
  '0015-sessions': sessions,
  '0016-identities': identities,
  '0017-provider-sessions': providerSessions,
  '0018-invitations': invitations,
  '0019-access-requests': accessRequests,
  '0020-audit-segments': auditSegments,
};

const NAMES = Object.keys(MIGRATIONS).toSorted();

/**
 * Brings the schema up to date, all of it or nothing, one process at a time.
 *
 * @param steps - the first steps, to stop behind them; all of them if left out.
 * @throws Error if the database belongs to another program or to a newer version of this one.
 */
export async function migrate(
  db: Kysely<Schema>,
  engine: Engine,
  steps: readonly string[] = NAMES,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await engine.lockForWriting(transaction);
    await refuseForeign(transaction, engine);
    const migrator = new Migrator({
      db: transaction,
      provider: {
        getMigrations: async () =>
          Object.fromEntries(
            Object.entries(MIGRATIONS)
              .filter(([name]) => steps.includes(name))
              .map(([name, make]) => [name, make(engine)]),
          ),
      },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) {
      throw new Error(
        'The database cannot be brought up to date. If a newer version of the gateway has used it, use that version.',
        { cause: error },
      );
    }
  });
}

/**
 * The steps that a store has behind it; undefined for an empty database, and for a store that a newer version has used.
 *
 * @throws Error if the database belongs to another program.
 */
export async function stepsOf(db: Kysely<Schema>, engine: Engine): Promise<readonly string[] | undefined> {
  await refuseForeign(db, engine);
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) {
    return undefined;
  }
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const steps = rows.map(({ name }) => name);
  return steps.length > 0 && steps.every((name, index) => name === NAMES[index]) ? steps : undefined;
}

/** MLflow's own `basic_auth.db` has a table `users` too, and the same default name. */
async function refuseForeign(db: Kysely<Schema>, { isInTheWay }: Engine): Promise<void> {
  const all = await db.introspection.getTables({ withInternalKyselyTables: true });
  const tables = all.filter(isInTheWay);
  if (tables.length === 0 || tables.some(({ name }) => name === 'kysely_migration')) {
    return;
  }
  if (tables.some(({ name }) => name.startsWith('alembic_version'))) {
    throw new Error(
      "The database is MLflow's, not one of this gateway. Name another file in database_uri, such as sqlite:///gateway.db, then take its users over with: mlflow-auth-gateway import FILE",
    );
  }
  throw new Error(
    "The database is another program's, not one of this gateway. Name another file in database_uri.",
  );
}
