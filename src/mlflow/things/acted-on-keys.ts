/**
 * Keys of tags and metadata that some version of MLflow acts on, and those that all of them keep as text. MLflow may act
 * on any key under `mlflow.` from its next version on: what stands in neither list is the admin's.
 */
import type { Action } from '../../policy/permissions.ts';
import { names } from './key-names.ts';

/** What carries keys. A trace's are its tags, its metadata and what MLflow makes of a span's attributes. */
export type KeyHolder =
  | 'experiment'
  | 'run'
  | 'trace'
  | 'logged_model'
  | 'registered_model'
  | 'model_version';

/** What a key asks for besides the row's own need. */
export type KeyNeed = Action | 'admin';

interface ActedOnKey {
  /** A `*` at the end stands for any rest. */
  readonly key: string;
  /** On anything else it is text. */
  readonly on?: readonly KeyHolder[];
  readonly needs: KeyNeed;
  readonly why: string;
}

const READS_FROM = 'it decides where MLflow reads from';
const COUNTS_BY = 'MLflow counts and bills by it';
const KEEPS_ITSELF = 'MLflow keeps it itself';
const SENDS_TO = 'it decides where clients send their traces';

/** From mlflow/utils/mlflow_tags.py, mlflow/tracing/constant.py and mlflow/prompt/constants.py, 2.15.1 to 3.18.0. */
const ACTED_ON: readonly ActedOnKey[] = [
  // mlflow/server/handlers.py: get-trace-artifact and the span store follow them to any address.
  { key: 'mlflow.artifactLocation', needs: 'admin', why: READS_FROM },
  { key: 'mlflow.trace.spansLocation', needs: 'admin', why: READS_FROM },
  { key: 'mlflow.trace.archiveLocation', needs: 'admin', why: READS_FROM },
  { key: 'mlflow.trace.archivalFailure', needs: 'admin', why: READS_FROM },
  { key: 'mlflow.trace.infoFinalized', needs: 'admin', why: KEEPS_ITSELF },
  // mlflow/store/tracking/gateway/sqlalchemy_mixin.py: the cost of every trace that names an endpoint counts.
  { key: 'mlflow.gateway.*', needs: 'admin', why: COUNTS_BY },
  { key: 'mlflow.auth.*', needs: 'admin', why: COUNTS_BY },
  // mlflow/store/tracking/utils/trace_archival.py
  {
    key: 'mlflow.trace.archivalRetention',
    on: ['experiment'],
    needs: 'manage',
    why: 'it decides how long traces live',
  },
  {
    key: 'mlflow.trace.archiveNow',
    on: ['experiment'],
    needs: 'manage',
    why: 'it decides how long traces live',
  },
  // mlflow/genai/discovery/schedule.py
  { key: 'mlflow.issueDetection.scheduleState', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  { key: 'mlflow.issueDetection.checkpoint', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  // mlflow/genai/scorers/online
  { key: 'mlflow.latestOnlineScoring.*', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  { key: 'mlflow.demo.version.*', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  // mlflow/store/tracking/gateway/sqlalchemy_mixin.py
  { key: 'mlflow.experiment.isGateway', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  { key: 'mlflow.experiment.sourceId', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  { key: 'mlflow.experiment.sourceType', on: ['experiment'], needs: 'admin', why: KEEPS_ITSELF },
  // mlflow/tracking/fluent.py: set_experiment follows it in the client of every user who sets that experiment.
  { key: 'mlflow.experiment.databricksT*', on: ['experiment'], needs: 'admin', why: SENDS_TO },
  {
    key: 'mlflow.prompt.is_prompt',
    on: ['registered_model'],
    needs: 'manage',
    why: 'it turns the model into a prompt',
  },
];

/** Keys that every version keeps as text, by where clients and pages write them. */
const TEXT: Readonly<Record<string, readonly string[]>> = {
  'mlflow/utils/mlflow_tags.py': [
    'mlflow.autologging',
    'mlflow.customView.view*',
    'mlflow.data.context',
    'mlflow.databricks.*',
    'mlflow.docker.image.*',
    'mlflow.experiment.primaryMetric.*',
    'mlflow.experiment.sessionHierarchy',
    'mlflow.genaiEvaluate.*',
    'mlflow.gitBranchName',
    'mlflow.gitRepoURL',
    'mlflow.issueDetection.error',
    'mlflow.issueDetection.jobId',
    'mlflow.issueDetection.priorities',
    // What it has called, and with what key, is judged by a judge of the row.
    'mlflow.issueDetection.schedule',
    'mlflow.issueDetection.scheduleTraceFilter',
    'mlflow.issueDetection.trigger',
    'mlflow.issueDetection.windowEnd',
    'mlflow.issueDetection.windowStart',
    'mlflow.latest_checkpoint_artifact',
    'mlflow.log-model.history',
    'mlflow.loggedArtifacts',
    'mlflow.loggedImages',
    'mlflow.model.isExternal',
    // What versions it names is judged by a judge of the row.
    'mlflow.modelVersions',
    'mlflow.note.content',
    'mlflow.parentRunId',
    'mlflow.pipeline.*',
    'mlflow.project.*',
    'mlflow.run.isEval',
    'mlflow.runName',
    'mlflow.runSourceType',
    'mlflow.runType',
    'mlflow.source.*',
    'mlflow.user',
  ],
  'mlflow/tracing/constant.py and mlflow/tracing/client.py': [
    'mlflow.assessment.*',
    'mlflow.databricksRequestId',
    'mlflow.eval.requestId',
    'mlflow.linkedPrompts',
    'mlflow.modelId',
    'mlflow.sourceRun',
    'mlflow.sourceTable',
    // Budgets count it only where a key of the gateway's stands beside it.
    'mlflow.trace.cost',
    'mlflow.trace.session',
    'mlflow.trace.sizeBytes',
    'mlflow.trace.sizeStats',
    'mlflow.trace.sourceScorer',
    'mlflow.trace.tokenUsage',
    'mlflow.trace.user',
    'mlflow.trace.working_directory',
    'mlflow.traceInputs',
    'mlflow.traceName',
    'mlflow.traceOutputs',
    'mlflow.traceSpans',
    'mlflow.trace_schema.version',
  ],
  'mlflow/tracing/constant.py, attributes of spans': [
    'mlflow.chat.messages',
    'mlflow.chat.tokenUsage',
    'mlflow.chat.tools',
    'mlflow.chunk.*',
    'mlflow.experimentId',
    'mlflow.llm.cost',
    'mlflow.llm.model',
    'mlflow.llm.provider',
    'mlflow.message.format',
    'mlflow.spanDescription',
    'mlflow.spanFunctionName',
    'mlflow.spanInputs',
    'mlflow.spanLogLevel',
    'mlflow.spanOutputs',
    'mlflow.spanStartTimeNs',
    'mlflow.spanType',
    'mlflow.trace.intermediate_outputs',
    'mlflow.traceRequestId',
    'mlflow.traceTag.*',
  ],
  'mlflow/prompt/constants.py': [
    'mlflow.prompt.associatedRunIds',
    'mlflow.prompt.is_prompt',
    'mlflow.prompt.run_ids',
    'mlflow.prompt.text',
  ],
  'mlflow/genai, mlflow/pytest, mlflow/claude_code, mlflow/demo': [
    'mlflow.claude_code_version',
    'mlflow.demo.end_time_ms',
    'mlflow.demo.start_time_ms',
    'mlflow.issue.evidence',
    'mlflow.issueDetection.result.*',
    'mlflow.scorer.framework',
    'mlflow.simulation.*',
    'mlflow.test.*',
  ],
  'the pages, mlflow/server/js': [
    'mlflow.evaluation.baselineRunId',
    'mlflow.experimentKind',
    'mlflow.runColor',
    'mlflow.sharedViewState.*',
    'mlflow.traceViewState.*',
    'mlflow.tracesV4ViewState.*',
  ],
};

const UNDER_MLFLOW = ['mlflow.*'];
const texts = Object.values(TEXT).flat();

/** What a key asks for, and why. */
export interface AskedByKey {
  readonly needs: KeyNeed;
  readonly why: string;
}

/** What a key asks for on a thing; undefined where it is text. */
export function needOfKey(holder: KeyHolder, key: string): AskedByKey | undefined {
  if (!names(UNDER_MLFLOW, key)) {
    return undefined;
  }
  const found = ACTED_ON.find((each) => names([each.key], key) && (each.on?.includes(holder) ?? true));
  if (found !== undefined) {
    return found;
  }
  return names(texts, key) ? undefined : { needs: 'admin', why: 'no MLflow is known that keeps it as text' };
}

/**
 * What a key asks for as an attribute of a span; undefined where it is text. MLflow acts on those attributes that a
 * trace's keys are made from.
 */
export function needOfSpanKey(key: string): AskedByKey | undefined {
  return ACTED_ON.find((each) => each.on === undefined && names([each.key], key));
}

/** Whether a key under `mlflow.` stands in one of the lists, for whatever carries it. */
export function isClassified(key: string): boolean {
  return (
    names(
      ACTED_ON.map((each) => each.key),
      key,
    ) || names(texts, key)
  );
}
