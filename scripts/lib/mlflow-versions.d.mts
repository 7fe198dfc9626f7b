/** A version of MLflow and how it is installed. */
export interface Mlflow {
  readonly version: string;
  /** Arguments of `pip install`, one call after the other. */
  readonly installs: readonly (readonly string[])[];
  /** Minor versions of Python 3, both included. */
  readonly oldestPython: number;
  readonly newestPython: number;
}

export const NEWEST_MLFLOW: Mlflow;
export const STARTED_MLFLOW: Mlflow;
export const OLDEST_MLFLOW: Mlflow;
export const TESTED_MLFLOWS: readonly Mlflow[];
export function mlflowOf(version: string): Mlflow;
