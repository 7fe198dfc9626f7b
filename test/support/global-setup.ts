import type { TestProject } from 'vitest/node';
import { startMlflowBroker } from './mlflow.ts';
import { startPostgresqlBroker } from './shared-postgresql.ts';

/** Runs the brokers of the shared MLflows and of the shared PostgreSQL for as long as the test run lasts. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [mlflow, postgresql] = await Promise.all([startMlflowBroker(), startPostgresqlBroker()]);
  project.provide('mlflowBroker', mlflow.url);
  project.provide('postgresqlBroker', postgresql.url);
  return async () => {
    await Promise.all([mlflow.close(), postgresql.close()]);
  };
}
