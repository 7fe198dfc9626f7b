import pg from 'pg';
import {
  createExperiment,
  type Person,
  personAt,
  startGateway,
  type TestGateway,
} from '../support/gateway.ts';
import { NEWEST, sharedMlflow } from '../support/mlflow.ts';
import { startPostgresql } from '../support/postgresql.ts';
import { type Relay, startRelay } from './relay.ts';

/** Two gateways on one real PostgreSQL, in front of a real MLflow. The second reaches the database over a relay. */
export interface TwoGateways {
  readonly here: TestGateway;
  readonly there: TestGateway;
  /** Between the second gateway and the database. */
  readonly relay: Relay;
  readonly postgresql: Awaited<ReturnType<typeof startPostgresql>>;
  /** Bob, at the second gateway. */
  readonly bob: Person;
  /** The experiment that bob asks for. */
  readonly target: string;
  /** Gives bob this on the experiment, or takes it, at the first gateway; answers once the gateway has. */
  change(permission: 'READ' | 'NO_PERMISSIONS'): Promise<number>;
  /** Whether bob reads the experiment, asked of the second gateway: a status. */
  ask(): Promise<{ readonly status: number; readonly json: { readonly error_code?: string } }>;
  /** Runs SQL in the store's database. */
  sql(text: string): Promise<void>;
  close(): Promise<void>;
}

/** What rights changes and questions are about; the database waits two seconds at most. */
export async function startTwoGateways(): Promise<TwoGateways> {
  const postgresql = await startPostgresql();
  const { socketUri } = await sharedMlflow(NEWEST);
  const database_uri = await postgresql.database();
  const direct = new URL(database_uri.replace('+psycopg2', ''));
  const relay = await startRelay({ port: Number(direct.port), host: direct.hostname });
  const settings = { database_timeout_seconds: '2' };
  const here = await startGateway(socketUri, { database_uri, ...settings });
  const there = await startGateway(socketUri, {
    database_uri: database_uri.replace(`:${direct.port}/`, `:${relay.port}/`),
    ...settings,
  });
  const { username, password } = await here.person('bob');
  const bob = personAt(there.url, username, password);
  const experiment = await createExperiment(here.admin);
  const target = `/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`;
  const which = { experiment_id: experiment, username };
  await here.admin.post('/api/2.0/mlflow/experiments/permissions/create', {
    ...which,
    permission: 'NO_PERMISSIONS',
  });
  return {
    here,
    there,
    relay,
    postgresql,
    bob,
    async change(permission) {
      const asked = { ...which, permission };
      return (await here.admin.patch('/api/2.0/mlflow/experiments/permissions/update', asked)).status;
    },
    target,
    ask: () => bob.get(target),
    async sql(text) {
      const client = new pg.Client(direct.href);
      await client.connect();
      await client.query(text);
      await client.end();
    },
    async close() {
      relay.resume();
      await there.close();
      await here.close();
      await relay.close();
      await postgresql.close();
    },
  };
}
