/** What a root field touches, and where in its `input` that stands. */
export type RootField =
  /** One thing, under one or more names that must agree. */
  | { readonly touches: 'one'; readonly kind: 'experiment' | 'run'; readonly from: readonly string[] }
  /** Each thing of a list; verified on 2.15.1 and 3.17.2: an empty or absent list reads nothing. */
  | { readonly touches: 'each'; readonly kind: 'run'; readonly from: string }
  /** Each thing of a list that may be read; the rest is left out of the list, as MLflow's own auth app does. */
  | { readonly touches: 'readable'; readonly kind: 'experiment'; readonly from: string }
  /** Nothing that could be judged beforehand; `takes` are the only parts its `input` may have. */
  | { readonly touches: 'nothing'; readonly takes?: readonly string[] };

const one = (kind: 'experiment' | 'run', ...from: string[]): RootField => ({ touches: 'one', kind, from });
const each = (kind: 'run', from: string): RootField => ({ touches: 'each', kind, from });
const readable = (from: string): RootField => ({ touches: 'readable', kind: 'experiment', from });
const nothing: RootField = { touches: 'nothing' };

/**
 * Every field a client may ask for at the root, of queries and mutations alike; all of them are reads.
 * One that is not named here is refused, also if a later MLflow knows it.
 */
export const ROOT_FIELDS: ReadonlyMap<string, RootField> = new Map([
  ['mlflowGetExperiment', one('experiment', 'experimentId')],
  ['mlflowGetMetricHistoryBulkInterval', each('run', 'runIds')],
  ['mlflowGetRun', one('run', 'runId', 'runUuid')],
  ['mlflowListArtifacts', one('run', 'runId', 'runUuid')],
  ['mlflowSearchDatasets', readable('experimentIds')],
  // Its rows are filtered on the way back, but a page is cut before that: its size and its token would say how many
  // hidden versions a filter finds, and so spell out their names.
  ['mlflowSearchModelVersions', { touches: 'nothing', takes: ['filter', 'orderBy'] }],
  ['mlflowSearchRuns', readable('experimentIds')],
  ['test', nothing],
  ['testMutation', nothing],
  ['__schema', nothing],
  ['__type', nothing],
  ['__typename', nothing],
]);
