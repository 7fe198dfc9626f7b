import { OWN_SECTIONS } from './admin/routes.ts';
import { SECTIONS as MLFLOW_SECTIONS } from './mlflow/table/routes.ts';
import type { AnyRow } from './mlflow/table/row.ts';

/** Every row that a request can match, by what it is about: MLflow's operations, then the gateway's own. */
export const SECTIONS = { ...MLFLOW_SECTIONS, ...OWN_SECTIONS } as const satisfies Record<
  string,
  readonly AnyRow[]
>;

/** Every row that a request can match. */
export const ROUTES: readonly AnyRow[] = Object.values(SECTIONS).flat();
