import type { TestProject } from 'vitest/node';
import { startMlflowBroker } from './mlflow.ts';

/** Runs the broker of the shared MLflows for as long as the test run lasts. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startMlflowBroker();
  project.provide('mlflowBroker', broker.url);
  return broker.close;
}
