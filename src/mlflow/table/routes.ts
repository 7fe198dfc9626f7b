/**
 * The table: every operation that MLflow 2.15.1 to 3.18.0 serves. Those that this gateway adds stand in src/admin/routes.ts.
 *
 * A row reads: methods, path, what the caller needs, what the request touches, what follows.
 *
 * Paths: `2.0 runs/get` is /api/2.0/mlflow/runs/get and its twin under /ajax-api; `ajax 2.0 …` and
 * `api 2.0 …` exist under one prefix only; `artifacts 2.0 …` is /{api,ajax-api}/2.0/mlflow-artifacts/…;
 * anything else is literal. `:name` is one segment, `*name` the rest. HEAD is judged as GET.
 *
 * What no row names is refused to everyone but an admin.
 */
import { LIBRARY_OPTION } from '../ai-gateway/library-options.ts';
import { allBut, silentAbout } from '../things/key-names.ts';
import { MODEL_VERSIONS_TAG } from '../things/model-versions.ts';
import {
  absent,
  adminNames,
  adminOnly,
  adopt,
  adoptFirstVersion,
  afresh,
  all,
  allowedActions,
  answer,
  artifact,
  brings,
  closesWorkspace,
  conceal,
  dataset,
  endpoint,
  endpointName,
  equal,
  experiment,
  type From,
  forget,
  geminiCall,
  guardrail,
  inAnyScope,
  issue,
  judgeReply,
  keep,
  keepBelow,
  keepListed,
  keepUsable,
  keepVersions,
  keys,
  keysNeed,
  type Locator,
  labelSchema,
  learn,
  linkPages,
  loggedModel,
  maybe,
  mcpServer,
  model,
  modelDefinition,
  narrow,
  narrowTraces,
  only,
  opensWorkspace,
  orNone,
  own,
  promptJob,
  promptUri,
  type Row,
  redact,
  rename,
  reviewQueue,
  run,
  scorer,
  secret,
  skill,
  source,
  special,
  stamp,
  stampIfDeclared,
  streams,
  takesAnyField,
  takesBytes,
  takesQuery,
  takesUpload,
  to,
  trace,
  unless,
  unlessDenied,
  unlessDeniedWhen,
  versionsOf,
  withhold,
  workspace,
} from './row.ts';
import { EXPERIMENT_ORDER, MODEL_ORDER, VERSION_ORDER } from './search-order.ts';

/** A run under either of its two names in a body. */
const bodyRun = run('body.run_id', 'body.run_uuid');
const queryRun = run('query.run_id', 'query.run_uuid');

/** A provider's key that the server uses on the caller's behalf. */
const usedSecret = maybe(to('use', secret('body.secret_id')));

const STORAGE_IS_THE_ADMINS = 'an artifact location may point into other experiments or outside the server';

/**
 * The calls of an AI gateway endpoint are logged to `gateway/<endpoint>`, no matter who has made it: a caller who waits there with
 * one could read them, of an admin's endpoint too. Some databases find it by other spellings of that.
 */
const OF_NO_ENDPOINT = allBut('gateway/*');
const LOGS_CALLS = 'the calls of an AI gateway endpoint are logged to an experiment of this name';

/** An experiment with all that goes and comes back with it. */
const wholeExperiment = [
  experiment('body.experiment_id'),
  ...(
    ['run', 'trace', 'logged_model', 'assessment', 'review_queue', 'scorer', 'scorer_version'] as const
  ).map((part) => all(part, experiment('body.experiment_id'))),
];

const experiments: readonly Row[] = [
  [
    'POST',
    '2.0 experiments/create',
    'signed-in',
    [],
    adminOnly(STORAGE_IS_THE_ADMINS, 'body.artifact_location'),
    only(OF_NO_ENDPOINT, 'body.name', LOGS_CALLS),
    keys('experiment', 'body.tags'),
    special('detection-schedule', 'tags'),
    afresh,
    adopt('experiment', 'body.name', 'experiment_id'),
  ],
  ['GET', '2.0 experiments/get', 'read', experiment('query.experiment_id')],
  [
    'GET',
    '2.0 experiments/get-by-name',
    'read',
    [],
    judgeReply('experiment', 'query.experiment_name', 'experiment.experiment_id'),
  ],
  [
    'GET|POST',
    '2.0 experiments/search',
    'signed-in',
    [],
    keep('experiments', 'experiment', 'experiment_id', {
      largestPage: 50_000,
      pushDown: 'experiment_id',
      oneByOne: {
        order: EXPERIMENT_ORDER,
        lookUp: { target: '/api/2.0/mlflow/experiments/get?experiment_id=', at: 'experiment' },
        worth: 45,
      },
    }),
  ],
  ['POST', '2.0 experiments/delete', 'delete', wholeExperiment],
  ['POST', '2.0 experiments/restore', 'delete', wholeExperiment],
  [
    'POST',
    '2.0 experiments/update',
    'update',
    experiment('body.experiment_id'),
    only(OF_NO_ENDPOINT, 'body.new_name', LOGS_CALLS),
  ],
  [
    'POST',
    '2.0 experiments/set-experiment-tag',
    'update',
    experiment('body.experiment_id'),
    keys('experiment', 'body.key'),
    special('detection-schedule', 'tag'),
  ],
  [
    'POST',
    '2.0 experiments/delete-experiment-tag',
    'update',
    experiment('body.experiment_id'),
    keys('experiment', 'body.key'),
  ],
  [
    'POST',
    'ajax 2.0 experiments/search-datasets',
    'signed-in',
    [],
    unlessDenied('run'),
    narrow('body.experiment_ids'),
  ],
  ['POST', '/api/2.0mlflow/experiments/search-datasets', 'nobody'],
  ['POST', '/ajax-api/2.0mlflow/experiments/search-datasets', 'nobody'],
];

const runs: readonly Row[] = [
  [
    'POST',
    '2.0 runs/create',
    'update',
    experiment('body.experiment_id'),
    unlessDenied('run'),
    keys('run', 'body.tags'),
    learn('run', 'run.info.run_id', 'run.info.experiment_id'),
  ],
  ['POST', '2.0 runs/update', 'update', bodyRun],
  ['POST', '2.0 runs/log-parameter', 'update', bodyRun],
  ['POST', '2.0 runs/set-tag', 'update', bodyRun, keys('run', 'body.key')],
  ['POST', '2.0 runs/delete-tag', 'update', run('body.run_id'), keys('run', 'body.key')],
  ['POST', '2.0 runs/log-model', 'update', run('body.run_id')],
  ['POST', '2.0 runs/log-metric', 'update', [bodyRun, maybe(loggedModel('body.model_id'))]],
  [
    'POST',
    '2.0 runs/log-batch',
    'update',
    [run('body.run_id'), maybe(loggedModel('body.metrics[].model_id'))],
    keys('run', 'body.tags'),
  ],
  [
    'POST',
    '2.0 runs/log-inputs',
    'update',
    [run('body.run_id'), maybe(loggedModel('body.models[].model_id'))],
    keys('run', 'body.datasets[].tags'),
  ],
  ['POST', '2.0 runs/outputs', 'update', [run('body.run_id'), maybe(loggedModel('body.models[].model_id'))]],
  // The assessments that it has made go with it.
  [
    'POST',
    '2.0 runs/delete',
    'delete',
    [run('body.run_id'), to('update', all('assessment', run('body.run_id'), 'delete'))],
  ],
  ['POST', '2.0 runs/restore', 'delete', run('body.run_id')],
  ['GET', '2.0 runs/get', 'read', queryRun],
  ['POST', '2.0 runs/search', 'signed-in', [], unlessDenied('run'), narrow('body.experiment_ids')],
  [
    'POST',
    'ajax 2.0 runs/create-promptlab-run',
    'update',
    experiment('body.experiment_id'),
    unlessDenied('run'),
    keys('run', 'body.tags'),
    stamp('body.user_id'),
  ],
  ['GET', '2.0 metrics/get-history', 'read', queryRun],
  ['GET', 'ajax 2.0 metrics/get-history-bulk', 'read', run('query.run_id[]')],
  ['GET', '2.0 metrics/get-history-bulk-interval', 'read', run('query.run_ids[]')],
];

const artifacts: readonly Row[] = [
  ['GET', '2.0 artifacts/list', 'read', queryRun],
  ['GET', '/get-artifact', 'read', queryRun],
  // The handler reads run_uuid alone before 3.18; MLflow's own auth app judged run_id.
  [
    'POST',
    'ajax 2.0 upload-artifact',
    'update',
    run('query.run_uuid'),
    absent('query.run_id'),
    takesQuery,
    streams,
  ],
  [
    'POST',
    '2.0 artifacts/presigned-upload-url',
    'update',
    [maybe(run('body.run_id')), maybe(loggedModel('body.model_id'))],
  ],
  ['POST', '2.0 artifacts/presigned-download-url', 'read', run('body.run_id')],
  // Files of an experiment that is gone lie beside those of the one that has got its id.
  [
    'GET',
    'artifacts 2.0 artifacts',
    'read',
    artifact('query.path'),
    keepBelow('query.path', 'files', 'artifact', 'path'),
  ],
  ['GET', 'artifacts 2.0 artifacts/*artifact_path', 'read', artifact('path.artifact_path')],
  ['PUT', 'artifacts 2.0 artifacts/*artifact_path', 'update', artifact('path.artifact_path'), streams],
  ['DELETE', 'artifacts 2.0 artifacts/*artifact_path', 'delete', artifact('path.artifact_path')],
  ['POST', 'artifacts 2.0 mpu/create/*artifact_path', 'update', artifact('path.artifact_path')],
  ['POST', 'artifacts 2.0 mpu/complete/*artifact_path', 'update', artifact('path.artifact_path')],
  ['POST', 'artifacts 2.0 mpu/abort/*artifact_path', 'update', artifact('path.artifact_path')],
  ['GET', 'artifacts 2.0 presigned/*artifact_path', 'read', artifact('path.artifact_path')],
];

/** A filter tells of what it asks about, one comparison at a time; so does an order. */
const RUN_FILTER = /run/i;
const selects = (...from: From[]) => [
  unlessDeniedWhen('assessment', from, /feedback|expectation|assessment|issue/i),
  unlessDeniedWhen('run', from, RUN_FILTER),
  unlessDeniedWhen('logged_model', from, /model/i),
];

/** The models that versions of a logged model belong to. */
const versionsMade = (list: string) =>
  conceal('registered_model', `${list}.info.tags[${MODEL_VERSIONS_TAG}]{}[]`, 'name');
const MODEL_NAMES = 'names of models would be told that the caller may not read';
const SILENT_ABOUT_VERSIONS = silentAbout(MODEL_VERSIONS_TAG);

const loggedModels: readonly Row[] = [
  [
    'POST',
    '2.0 logged-models',
    'update',
    [experiment('body.experiment_id'), maybe(to('read', run('body.source_run_id')))],
    unlessDenied('logged_model'),
    keys('logged_model', 'body.tags'),
    learn('logged_model', 'model.info.model_id', 'model.info.experiment_id'),
  ],
  [
    'POST',
    '2.0 logged-models/search',
    'signed-in',
    [],
    unlessDenied('logged_model'),
    unlessDeniedWhen('run', ['body.filter'], RUN_FILTER),
    only(SILENT_ABOUT_VERSIONS, 'body.filter', MODEL_NAMES),
    only(SILENT_ABOUT_VERSIONS, 'body.order_by[].field_name', MODEL_NAMES),
    narrow('body.experiment_ids'),
    versionsMade('models[]'),
  ],
  ['GET', '2.0 logged-models/:model_id', 'read', loggedModel('path.model_id'), versionsMade('model')],
  // The handler acts on the body's id, MLflow's own auth app judged the path's.
  [
    'PATCH',
    '2.0 logged-models/:model_id',
    'update',
    loggedModel('path.model_id'),
    equal('path.model_id', 'body.model_id'),
    versionsMade('model'),
  ],
  [
    'DELETE',
    '2.0 logged-models/:model_id',
    'delete',
    loggedModel('path.model_id'),
    equal('path.model_id', 'body.model_id'),
  ],
  [
    'PATCH',
    '2.0 logged-models/:model_id/tags',
    'update',
    loggedModel('path.model_id'),
    keys('logged_model', 'body.tags'),
    equal('path.model_id', 'body.model_id'),
    special('model-versions-tag'),
    versionsMade('model'),
  ],
  [
    'DELETE',
    '2.0 logged-models/:model_id/tags/:tag_key',
    'delete',
    loggedModel('path.model_id'),
    keys('logged_model', 'path.tag_key'),
    equal('path.model_id', 'body.model_id'),
  ],
  [
    'POST',
    '2.0 logged-models/:model_id/params',
    'update',
    loggedModel('path.model_id'),
    equal('path.model_id', 'body.model_id'),
  ],
  ['GET', '2.0 logged-models/:model_id/artifacts/directories', 'read', loggedModel('path.model_id')],
  ['GET', 'ajax 2.0 logged-models/:model_id/artifacts/files', 'read', loggedModel('path.model_id')],
];

const traceTags = keys('trace', 'body.tags', 'body.request_metadata', 'body.key');
const traceInfo = 'body.trace.trace_info';

/** Their assessments go with them. */
const deletedTraces = [
  all('trace', experiment('body.experiment_id')),
  to('update', all('assessment', experiment('body.experiment_id'), 'delete')),
];
const inTrace = to('read', trace('path.trace_id'));

const traces: readonly Row[] = [
  ['POST', '2.0 traces', 'update', experiment('body.experiment_id'), unlessDenied('trace'), traceTags],
  [
    'GET',
    '2.0 traces',
    'read',
    all('trace', experiment('query.experiment_ids[]')),
    ...selects('query.filter', 'query.order_by[]'),
  ],
  ['PATCH', '2.0 traces/:request_id', 'update', trace('path.request_id'), traceTags],
  ['GET', '2.0 traces/:request_id/info', 'read', trace('path.request_id')],
  ['PATCH', '2.0 traces/:request_id/tags', 'update', trace('path.request_id'), traceTags],
  ['DELETE', '2.0 traces/:request_id/tags', 'update', trace('path.request_id'), traceTags],
  ['POST', '2.0 traces/delete-traces', 'delete', deletedTraces],
  ['POST', '2.0 traces/link-to-run', 'update', [run('body.run_id'), to('read', trace('body.trace_ids[]'))]],
  [
    'POST',
    '2.0 traces/link-prompts',
    'update',
    [trace('body.trace_id'), maybe(to('read', versionsOf(model('body.prompt_versions[].name'))))],
  ],
  ['GET', '2.0 unified-traces', 'nobody'],
  ['GET', '2.0 get-online-trace-details', 'nobody'],
  ['POST', '2.0 traces/search', 'nobody'],
  ['GET', '2.0 traces/:trace_id', 'nobody'],
  ['POST', '2.0 traces/:trace_id/assessments', 'nobody'],
  ['GET', '2.0 traces/:trace_id/assessments/:assessment_id', 'nobody'],
  ['PATCH', '2.0 traces/:trace_id/assessments/:assessment_id', 'nobody'],
  ['DELETE', '2.0 traces/:trace_id/assessments/:assessment_id', 'nobody'],

  // A trace id that exists elsewhere would be moved here with its spans: the id must be new, or of this experiment.
  // So would an assessment, and what one that is deleted has overridden is changed wherever it is: MLflow gives out these ids.
  [
    'POST',
    '3.0 traces',
    'update',
    [
      experiment(`${traceInfo}.trace_location.mlflow_experiment.experiment_id`),
      { ...trace(`${traceInfo}.trace_id`), fresh: 'or-same-root' },
    ],
    unlessDenied('trace'),
    unlessDeniedWhen('assessment', [`${traceInfo}.assessments`]),
    keys('trace', `${traceInfo}.tags`, `${traceInfo}.trace_metadata`),
    absent(`${traceInfo}.assessments[].assessment_id`, `${traceInfo}.assessments[].overrides`),
    special('assessment-run', [`${traceInfo}.assessments[].metadata`]),
  ],
  [
    'POST',
    '3.0 traces/search',
    'read',
    orNone(all('trace', experiment('body.locations[].mlflow_experiment.experiment_id'))),
    ...selects('body.filter', 'body.order_by[]'),
    withhold('assessment', 'traces[].assessments'),
  ],
  [
    'GET',
    '3.0 traces/get',
    'read',
    trace('query.trace_id'),
    withhold('assessment', 'trace.trace_info.assessments'),
  ],
  [
    'GET',
    '3.0 traces/batchGet',
    'signed-in',
    [],
    unlessDenied('trace'),
    narrowTraces('query.trace_ids'),
    withhold('assessment', 'traces[].trace_info.assessments'),
  ],
  [
    'POST',
    '3.0 traces/batchGetInfos',
    'signed-in',
    [],
    unlessDenied('trace'),
    narrowTraces('body.trace_ids'),
    withhold('assessment', 'trace_infos[].assessments'),
  ],
  ['POST', '3.0 traces/delete-traces', 'delete', deletedTraces],
  [
    'POST',
    '3.0 traces/calculate-filter-correlation',
    'read',
    orNone(all('trace', experiment('body.experiment_ids[]'))),
    ...selects('body.filter_string1', 'body.filter_string2', 'body.base_filter'),
  ],
  [
    'POST',
    '3.0 traces/metrics',
    'read',
    orNone(all('trace', experiment('body.experiment_ids[]'))),
    unlessDeniedWhen('assessment', ['body.view_type'], /^ASSESSMENTS$/),
    ...selects('body.filters[]', 'body.dimensions[]', 'body.metric_name'),
  ],
  [
    'GET',
    '3.0 traces/:trace_id',
    'read',
    trace('path.trace_id'),
    withhold('assessment', 'trace.trace_info.assessments'),
  ],
  ['PATCH', '3.0 traces/:trace_id/tags', 'update', trace('path.trace_id'), traceTags],
  ['DELETE', '3.0 traces/:trace_id/tags', 'update', trace('path.trace_id'), traceTags],
  [
    'POST',
    '3.0 traces/:trace_id/assessments',
    'update',
    trace('path.trace_id'),
    unlessDenied('assessment'),
    special('assessment-run', ['body.assessment.metadata']),
  ],
  [
    'GET',
    '3.0 traces/:trace_id/assessments/:assessment_id',
    'read',
    trace('path.trace_id'),
    unlessDenied('assessment'),
  ],
  [
    'PATCH',
    '3.0 traces/:trace_id/assessments/:assessment_id',
    'update',
    [inTrace, all('assessment', trace('path.trace_id'))],
    special('assessment-run', ['body.assessment.metadata']),
  ],
  [
    'DELETE',
    '3.0 traces/:trace_id/assessments/:assessment_id',
    'update',
    [inTrace, all('assessment', trace('path.trace_id'), 'delete')],
  ],
  ['GET', 'ajax 2.0 get-trace-artifact', 'read', trace('query.request_id')],
  ['GET', 'ajax 3.0 get-trace-artifact', 'read', trace('query.request_id')],
  [
    'POST',
    '/v1/traces',
    'update',
    [experiment('header.x-mlflow-experiment-id'), maybe(run('header.x-mlflow-run-id'))],
    unlessDenied('trace'),
    takesBytes,
    special('otlp'),
  ],
];

/** What a job reads and writes assessments to: traces of its own experiment. */
const scoredTraces: Locator = { ...maybe(to('read', trace('body.trace_ids[]'))), fresh: 'or-same-root' };

/** Where requests hold a scorer, or the settings of an optimizer, as JSON in a string. */
const SERIALIZED: readonly From[] = [
  'body.serialized_scorer',
  'body.serialized_scorers[]',
  'body.config.optimizer_config_json',
];

/** Datasets that lie in experiments the caller may read, all of them: of an experiment's there may be some that do not. */
const readableDatasets = keep('datasets', 'dataset', 'dataset_id', {
  largestPage: 50_000,
  defaultPage: 1000,
});

const evaluation: readonly Row[] = [
  ['POST', '3.0 datasets/create', 'update', experiment('body.experiment_ids[]')],
  ['GET', '3.0 datasets/search', 'signed-in', [], narrow('query.experiment_ids', 'all'), readableDatasets],
  ['POST', '3.0 datasets/search', 'signed-in', [], narrow('body.experiment_ids', 'all'), readableDatasets],
  ['GET', '3.0 datasets/:dataset_id', 'read', dataset('path.dataset_id')],
  ['DELETE', '3.0 datasets/:dataset_id', 'delete', dataset('path.dataset_id')],
  ['PATCH', '3.0 datasets/:dataset_id/tags', 'update', dataset('path.dataset_id')],
  ['DELETE', '3.0 datasets/:dataset_id/tags/:key', 'update', dataset('path.dataset_id')],
  ['POST', '3.0 datasets/:dataset_id/records', 'update', dataset('path.dataset_id')],
  ['GET', '3.0 datasets/:dataset_id/records', 'read', dataset('path.dataset_id')],
  ['DELETE', '3.0 datasets/:dataset_id/records', 'update', dataset('path.dataset_id')],
  ['GET', '3.0 datasets/:dataset_id/experiment-ids', 'read', dataset('path.dataset_id')],
  // MLflow asks EDIT for both; but a dataset is of those who may use all of its experiments: added to another one, or taken out of this
  // one, it is gone for a caller who is left here.
  [
    'POST',
    '3.0 datasets/:dataset_id/add-experiments',
    'update',
    [to('delete', dataset('path.dataset_id')), experiment('body.experiment_ids[]')],
  ],
  [
    'POST',
    '3.0 datasets/:dataset_id/remove-experiments',
    'update',
    [dataset('path.dataset_id'), maybe(to('delete', experiment('body.experiment_ids[]')))],
  ],

  [
    'POST',
    '3.0 issues',
    'update',
    [experiment('body.experiment_id'), maybe(to('read', run('body.source_run_id')))],
    adminOnly('that one is taken already would tell of an issue elsewhere', 'body.issue_id'),
    stamp('body.created_by'),
  ],
  [
    'POST',
    '3.0 issues/search',
    'read',
    maybe(experiment('body.experiment_id')),
    unlessDeniedWhen('run', ['body.filter_string'], RUN_FILTER),
    // A server that lost sight of the experiment would answer with the issues of all.
    keep('issues', 'experiment', 'experiment_id', {
      largestPage: 50_000,
      defaultPage: 100,
      row: 'issue_id',
      last: '',
    }),
  ],
  ['GET', '3.0 issues/:issue_id', 'read', issue('path.issue_id')],
  [
    'PATCH',
    '3.0 issues/:issue_id',
    'update',
    issue('path.issue_id'),
    equal('path.issue_id', 'body.issue_id'),
    stampIfDeclared('body.last_updated_by'),
  ],
  // Not all versions of MLflow look whether the traces are of the experiment (3.10 does not); whom a job asks may be named in the request.
  [
    'POST',
    'ajax 3.0 issues/invoke',
    'update',
    [
      experiment('body.experiment_id'),
      scoredTraces,
      usedSecret,
      maybe(to('use', endpointName('body.endpoint_name'))),
    ],
    unlessDenied('run'),
    special('server-keys'),
    special('provider-calls', 'detection'),
    own('job', 'job_id', 'body.experiment_id'),
  ],
  ['POST', 'ajax 3.0 issues/schedule/state', 'update', experiment('body.experiment_id')],
  [
    'POST',
    'ajax 3.0 genai/evaluate/invoke',
    'update',
    [
      experiment('body.experiment_id'),
      scoredTraces,
      maybe(to('read', scorer('body.experiment_id/serialized_scorers[].{}.name'))),
    ],
    unlessDenied('run'),
    special('model-calls', ['body.serialized_scorers[]']),
    special('scorer-keys', 'evaluate'),
    own('job', 'job_id', 'body.experiment_id'),
  ],
  [
    'POST',
    'ajax 3.0 scorer/invoke',
    'update',
    [
      experiment('body.experiment_id'),
      scoredTraces,
      maybe(to('read', scorer('body.experiment_id/scorer_name'))),
    ],
    unlessDenied('trace'),
    unlessDenied('scorer_version'),
    unlessDeniedWhen('assessment', ['body.log_assessments']),
    special('model-calls', SERIALIZED),
    special('scorer-keys', 'invoke'),
    own('job', 'job_id', 'body.experiment_id', 'jobs'),
  ],

  ['POST', '3.0 label-schemas/create', 'manage', experiment('body.experiment_id')],
  ['GET', '3.0 label-schemas/get', 'read', labelSchema('query.schema_id')],
  ['GET', '3.0 label-schemas/get-by-name', 'read', experiment('query.experiment_id')],
  ['GET', '3.0 label-schemas/list', 'read', experiment('query.experiment_id')],
  ['PATCH', '3.0 label-schemas/update', 'manage', labelSchema('body.schema_id')],
  ['DELETE', '3.0 label-schemas/delete', 'manage', labelSchema('body.schema_id')],

  [
    'POST',
    '3.0 review-queues/create',
    'update',
    experiment('body.experiment_id'),
    unlessDenied('review_queue'),
    special('review-queue', 'create'),
    own('review_queue', 'review_queue.queue_id', 'body.experiment_id'),
  ],
  [
    'POST',
    '3.0 review-queues/get-or-create-user',
    'update',
    experiment('body.experiment_id'),
    unlessDenied('review_queue'),
    special('review-queue', 'make-own'),
  ],
  ['GET', '3.0 review-queues/get', 'read', reviewQueue('query.queue_id'), special('review-queue', 'open')],
  [
    'GET',
    '3.0 review-queues/get-by-name',
    'read',
    all('review_queue', experiment('query.experiment_id')),
    special('review-queue', 'open-by-name'),
  ],
  [
    'GET',
    '3.0 review-queues/list',
    'read',
    all('review_queue', experiment('query.experiment_id')),
    special('review-queue', 'list'),
    keep('review_queues', 'review_queue', 'queue_id', { largestPage: 50_000, defaultPage: 1000, last: '' }),
  ],
  [
    'POST',
    '3.0 review-queues/update',
    'update',
    reviewQueue('body.queue_id'),
    special('review-queue', 'change'),
  ],
  [
    'POST',
    '3.0 review-queues/delete',
    'update',
    reviewQueue('body.queue_id'),
    special('review-queue', 'prune'),
  ],
  ['POST', '3.0 review-queues/items/add', 'update', reviewQueue('body.queue_id')],
  [
    'POST',
    '3.0 review-queues/items/remove',
    'update',
    reviewQueue('body.queue_id'),
    special('review-queue', 'prune'),
  ],
  [
    'GET',
    '3.0 review-queues/items/list',
    'read',
    reviewQueue('query.queue_id'),
    special('review-queue', 'open'),
  ],
  [
    'POST',
    '3.0 review-queues/items/set-status',
    'update',
    reviewQueue('body.queue_id'),
    special('review-queue', 'review'),
    stamp('body.completed_by', ['body.status', 'PENDING']),
  ],

  [
    'POST',
    '3.0 scorers/register',
    'update',
    [experiment('body.experiment_id'), to('read', scorer('body.experiment_id/name'))],
    unlessDenied('scorer_version'),
    special('model-calls', SERIALIZED),
    special('scorer-keys', 'register'),
    adoptFirstVersion('scorer', 'body.experiment_id/name', 'version'),
  ],
  [
    'GET',
    '3.0 scorers/list',
    'signed-in',
    // A scorer may be granted where its experiment is not: of several experiments each row is looked at.
    maybe(to('read', experiment('query.experiment_id'))),
    unlessDenied('scorer_version'),
    keep('scorers', 'scorer', 'experiment_id/scorer_name'),
  ],
  ['GET', '3.0 scorers/versions', 'read', scorer('query.experiment_id/name'), unlessDenied('scorer_version')],
  ['GET', '3.0 scorers/get', 'read', scorer('query.experiment_id/name'), unlessDenied('scorer_version')],
  // With a version only that one goes, and the grants stay.
  [
    'DELETE',
    '3.0 scorers/delete',
    'delete',
    [
      unless('body.version', scorer('body.experiment_id/name')),
      all('scorer_version', scorer('body.experiment_id/name')),
    ],
    special('scorer-keys', 'delete version'),
    forget('scorer', 'body.experiment_id/name', 'body.version'),
  ],
  [
    'GET',
    '3.0 scorers/online-configs',
    'signed-in',
    [],
    unlessDenied('scorer_version'),
    special('online-configs'),
    keepListed('configs', 'experiment', 'experiment_id'),
  ],
  [
    'PUT',
    '3.0 scorers/online-config',
    'update',
    [experiment('body.experiment_id'), scorer('body.experiment_id/name')],
    special('scorer-keys', 'configure'),
  ],

  [
    'POST',
    '3.0 prompt-optimization/jobs',
    'update',
    [
      experiment('body.experiment_id'),
      promptUri('body.source_prompt_uri'),
      maybe(to('read', dataset('body.config.dataset_id'))),
      maybe(to('read', scorer('body.experiment_id/config.scorers[]'))),
    ],
    unlessDenied('run'),
    unlessDenied('scorer_version'),
    unlessDenied('prompt_version'),
    special('server-keys'),
    special('model-calls', SERIALIZED),
    own('prompt_optimization_job', 'job.job_id', 'body.experiment_id'),
  ],
  [
    'GET|POST',
    '3.0 prompt-optimization/jobs/search',
    'read',
    experiment('body.experiment_id', 'query.experiment_id'),
    keep('jobs', 'prompt_optimization_job', 'job_id'),
  ],
  ['GET', '3.0 prompt-optimization/jobs/:job_id', 'read', promptJob('path.job_id')],
  [
    'POST',
    '3.0 prompt-optimization/jobs/:job_id/cancel',
    'update',
    promptJob('path.job_id'),
    unlessDenied('run'),
  ],
  ['DELETE', '3.0 prompt-optimization/jobs/:job_id', 'delete', promptJob('path.job_id'), unlessDenied('run')],

  // By the experiment that a job works on, or by who started it.
  ['GET', '/ajax-api/3.0/jobs/:job_id', 'read', [], special('job', 'read'), afresh],
  ['POST', '/ajax-api/3.0/jobs/', 'admin'],
  ['PATCH', '/ajax-api/3.0/jobs/cancel/:job_id', 'update', [], special('job', 'update'), afresh],
  ['POST', '/ajax-api/3.0/jobs/search', 'signed-in', [], keepListed('jobs', 'job', 'job_id'), afresh],
  ['GET', 'ajax 3.0 jobs/:job_id', 'read', [], special('job', 'read'), afresh],
  ['PATCH', 'ajax 3.0 jobs/cancel/:job_id', 'update', [], special('job', 'update'), afresh],
];

const latestVersions = withhold('registered_model_version', 'registered_model.latest_versions');

const registry: readonly Row[] = [
  [
    'POST',
    '2.0 registered-models/create',
    'signed-in',
    [],
    latestVersions,
    keys('registered_model', 'body.tags'),
    adopt('registered_model', 'body.name', 'registered_model.name'),
  ],
  // MLflow asks EDIT; grants move with the name, so the gateway asks MANAGE.
  [
    'POST',
    '2.0 registered-models/rename',
    'manage',
    model('body.name'),
    rename('registered_model', 'body.name', 'body.new_name'),
    latestVersions,
  ],
  ['PATCH', '2.0 registered-models/update', 'update', model('body.name'), latestVersions],
  [
    'DELETE',
    '2.0 registered-models/delete',
    'delete',
    [model('body.name'), versionsOf(model('body.name'))],
    forget('registered_model', 'body.name'),
  ],
  ['GET', '2.0 registered-models/get', 'read', model('query.name'), latestVersions],
  [
    'GET',
    '2.0 registered-models/search',
    'signed-in',
    [],
    keep('registered_models', 'registered_model', 'name', {
      largestPage: 1000,
      defaultPage: 100,
      pushDown: 'name',
      oneByOne: { order: MODEL_ORDER, worth: 8 },
    }),
    withhold('registered_model_version', 'registered_models[].latest_versions'),
  ],
  [
    'GET|POST',
    '2.0 registered-models/get-latest-versions',
    'read',
    versionsOf(model('body.name', 'query.name')),
  ],
  [
    'POST',
    '2.0 registered-models/set-tag',
    'update',
    model('body.name'),
    keys('registered_model', 'body.key'),
  ],
  [
    'DELETE',
    '2.0 registered-models/delete-tag',
    'update',
    model('body.name'),
    keys('registered_model', 'body.key'),
  ],
  [
    'POST',
    '2.0 registered-models/alias',
    'update',
    [model('body.name'), to('read', versionsOf(model('body.name')))],
  ],
  [
    'DELETE',
    '2.0 registered-models/alias',
    'delete',
    [model('body.name'), to('read', versionsOf(model('body.name')))],
  ],
  ['GET', '2.0 registered-models/alias', 'read', versionsOf(model('query.name'))],
  [
    'POST',
    '2.0 model-versions/create',
    'update',
    [
      model('body.name'),
      to('read', versionsOf(model('body.name'))),
      to(
        'read',
        source(
          'body.source',
          { kind: 'run', from: 'body.run_id' },
          { kind: 'logged_model', from: 'body.model_id' },
        ),
      ),
      maybe(to('read', run('body.run_id'))),
      maybe(loggedModel('body.model_id')),
    ],
    keys('model_version', 'body.tags'),
  ],
  ['PATCH', '2.0 model-versions/update', 'update', versionsOf(model('body.name'))],
  ['POST', '2.0 model-versions/transition-stage', 'update', versionsOf(model('body.name'))],
  ['DELETE', '2.0 model-versions/delete', 'delete', versionsOf(model('body.name'))],
  ['GET', '2.0 model-versions/get', 'read', versionsOf(model('query.name'))],
  [
    'GET',
    '2.0 model-versions/search',
    'signed-in',
    [],
    unlessDeniedWhen('run', ['query.filter'], RUN_FILTER),
    keepVersions('model_versions', 'name', {
      largestPage: 200_000,
      defaultPage: 200_000,
      pushDown: 'name',
      row: 'name/version',
      oneByOne: { order: VERSION_ORDER, worth: 45 },
    }),
  ],
  ['GET', '2.0 model-versions/get-download-uri', 'read', versionsOf(model('query.name'))],
  [
    'POST',
    '2.0 model-versions/set-tag',
    'update',
    versionsOf(model('body.name')),
    keys('model_version', 'body.key'),
  ],
  [
    'DELETE',
    '2.0 model-versions/delete-tag',
    'delete',
    versionsOf(model('body.name')),
    keys('model_version', 'body.key'),
  ],
  ['GET', '/model-versions/get-artifact', 'read', versionsOf(model('query.name'))],
];

/** What an endpoint is built from must be the caller's to use, as its definitions' secrets must. */
const usedDefinitions = maybe(to('use', modelDefinition('body.model_configs[].model_definition_id')));
/** What an endpoint is built from in MLflow 3.8, which names it otherwise. */
const listedDefinitions = maybe(to('use', modelDefinition('body.model_definition_ids[]')));
/** Calls of an endpoint are logged into its experiment. */
const servedExperiment = maybe(to('update', experiment('body.experiment_id')));
const modelInBody = endpointName('body.model');
/** The body is the provider's: but what MLflow passes on to LiteLLM from it, the endpoint's key beside it, is the admin's. */
const inItsProvidersWords = [
  adminNames('it decides whom the endpoint calls, and with what', LIBRARY_OPTION),
  takesAnyField,
];

/** MLflow 2.15 puts the path behind the address of its deployments server whatever it is. */
const PROXY_GOES_ANYWHERE = 'MLflow asks for it with its own rights';

const secretsIn = (list: string) => conceal('gateway_secret', list, 'secret_id', 'secret_id', 'secret_name');
/** What an endpoint is built from is told with its names only to those who may read these. */
const definitionsIn = (list: string) => [
  conceal('gateway_model_definition', list, 'model_definition_id', 'name', 'secret_id', 'secret_name'),
  secretsIn(list),
];

const aiGateway: readonly Row[] = [
  [
    'POST',
    '3.0 gateway/secrets/create',
    'signed-in',
    [],
    special('provider-calls', 'new secret'),
    stamp('body.created_by'),
    adopt('gateway_secret', 'body.secret_name', 'secret.secret_id'),
  ],
  ['GET', '3.0 gateway/secrets/get', 'read', secret('query.secret_id'), absent('query.secret_name')],
  // Its settings say where a key is sent: a caller who may change them can read it, which is its owner's alone.
  [
    'POST',
    '3.0 gateway/secrets/update',
    'update',
    secret('body.secret_id'),
    keysNeed('manage', 'body.auth_config', ['*']),
    keysNeed('manage', 'body.auth_config_json', ['*']),
    special('provider-calls', 'secret'),
    stamp('body.updated_by'),
  ],
  [
    'DELETE',
    '3.0 gateway/secrets/delete',
    'delete',
    secret('body.secret_id'),
    forget('gateway_secret', 'body.secret_id'),
  ],
  ['GET', '3.0 gateway/secrets/list', 'signed-in', [], keep('secrets', 'gateway_secret', 'secret_id')],
  ['GET', 'ajax 3.0 gateway/secrets/config', 'signed-in', [], redact('using_default_passphrase')],
  [
    'POST',
    '3.0 gateway/endpoints/create',
    'signed-in',
    [usedDefinitions, listedDefinitions, servedExperiment],
    special('usage-experiment'),
    stamp('body.created_by'),
    afresh,
    adopt('gateway_endpoint', 'body.name', 'endpoint.endpoint_id'),
    brings('usage experiment'),
    ...definitionsIn('endpoint.model_mappings[].model_definition'),
  ],
  [
    'GET',
    '3.0 gateway/endpoints/get',
    'read',
    [maybe(endpoint('query.endpoint_id')), maybe(endpointName('query.name'))],
    ...definitionsIn('endpoint.model_mappings[].model_definition'),
  ],
  [
    'POST',
    '3.0 gateway/endpoints/update',
    'update',
    [endpoint('body.endpoint_id'), usedDefinitions, servedExperiment],
    special('usage-experiment'),
    stamp('body.updated_by'),
    afresh,
    brings('usage experiment'),
    ...definitionsIn('endpoint.model_mappings[].model_definition'),
  ],
  [
    'DELETE',
    '3.0 gateway/endpoints/delete',
    'delete',
    endpoint('body.endpoint_id'),
    forget('gateway_endpoint', 'body.endpoint_id'),
  ],
  [
    'GET',
    '3.0 gateway/endpoints/list',
    'signed-in',
    [],
    keep('endpoints', 'gateway_endpoint', 'endpoint_id'),
    ...definitionsIn('endpoints[].model_mappings[].model_definition'),
  ],
  [
    'POST',
    '3.0 gateway/endpoints/models/attach',
    'update',
    [
      endpoint('body.endpoint_id'),
      maybe(to('use', modelDefinition('body.model_config.model_definition_id'))),
      maybe(to('use', modelDefinition('body.model_definition_id'))),
    ],
    stamp('body.created_by'),
    ...definitionsIn('mapping.model_definition'),
  ],
  [
    'POST',
    '3.0 gateway/endpoints/models/detach',
    'update',
    [endpoint('body.endpoint_id'), maybe(to('read', modelDefinition('body.model_definition_id')))],
  ],
  [
    'POST',
    '3.0 gateway/endpoints/bindings/create',
    'update',
    endpoint('body.endpoint_id'),
    stamp('body.created_by'),
  ],
  ['DELETE', '3.0 gateway/endpoints/bindings/delete', 'update', endpoint('body.endpoint_id')],
  [
    'GET',
    '3.0 gateway/endpoints/bindings/list',
    'read',
    maybe(endpoint('query.endpoint_id')),
    keep('bindings', 'gateway_endpoint', 'endpoint_id'),
    keep('bindings', 'scorer_id', 'resource_id'),
  ],
  ['POST', '3.0 gateway/endpoints/set-tag', 'update', endpoint('body.endpoint_id')],
  ['DELETE', '3.0 gateway/endpoints/delete-tag', 'update', endpoint('body.endpoint_id')],
  [
    'POST',
    '3.0 gateway/model-definitions/create',
    'signed-in',
    usedSecret,
    special('provider-calls', 'new definition'),
    stamp('body.created_by'),
    adopt('gateway_model_definition', 'body.name', 'model_definition.model_definition_id'),
    secretsIn('model_definition'),
  ],
  [
    'GET',
    '3.0 gateway/model-definitions/get',
    'read',
    modelDefinition('query.model_definition_id'),
    secretsIn('model_definition'),
  ],
  [
    'POST',
    '3.0 gateway/model-definitions/update',
    'update',
    [modelDefinition('body.model_definition_id'), usedSecret],
    special('provider-calls', 'definition'),
    stamp('body.updated_by'),
    secretsIn('model_definition'),
  ],
  [
    'DELETE',
    '3.0 gateway/model-definitions/delete',
    'delete',
    modelDefinition('body.model_definition_id'),
    forget('gateway_model_definition', 'body.model_definition_id'),
  ],
  [
    'GET',
    '3.0 gateway/model-definitions/list',
    'signed-in',
    maybe(to('read', secret('query.secret_id'))),
    keep('model_definitions', 'gateway_model_definition', 'model_definition_id'),
    secretsIn('model_definitions[]'),
  ],
  ['POST', '3.0 gateway/budgets/create', 'admin', [], stamp('body.created_by')],
  ['POST', '3.0 gateway/budgets/update', 'admin', [], stamp('body.updated_by')],
  ['DELETE', '3.0 gateway/budgets/delete', 'admin'],
  ['GET', '3.0 gateway/budgets/get', 'admin'],
  ['GET', '3.0 gateway/budgets/list', 'admin'],
  ['GET', '3.0 gateway/budgets/windows', 'admin'],
  ['POST', '3.0 gateway/guardrails/create', 'admin'],
  ['GET', '3.0 gateway/guardrails/get', 'admin'],
  ['DELETE', '3.0 gateway/guardrails/delete', 'admin'],
  ['GET', '3.0 gateway/guardrails/list', 'admin'],
  [
    'POST',
    '3.0 gateway/guardrails/add-to-endpoint',
    'update',
    [endpoint('body.endpoint_id'), to('read', guardrail('body.guardrail_id'))],
    stamp('body.created_by'),
  ],
  ['DELETE', '3.0 gateway/guardrails/remove-from-endpoint', 'update', endpoint('body.endpoint_id')],
  [
    'PATCH',
    '3.0 gateway/guardrails/update-config',
    'update',
    [endpoint('body.endpoint_id'), to('read', guardrail('body.guardrail_id'))],
  ],
  // Each holds the whole scorer that it runs.
  [
    'GET',
    '3.0 gateway/guardrails/list-for-endpoint',
    'read',
    endpoint('query.endpoint_id'),
    keep('configs', 'gateway_guardrail', 'guardrail_id'),
  ],
  ['GET', 'ajax 3.0 gateway/supported-providers', 'signed-in'],
  ['GET', 'ajax 3.0 gateway/supported-models', 'signed-in'],
  ['GET', 'ajax 3.0 gateway/provider-config', 'signed-in'],
  [
    'POST',
    '/gateway/:endpoint_name/mlflow/invocations',
    'use',
    endpointName('path.endpoint_name'),
    ...inItsProvidersWords,
  ],
  ['POST', '/gateway/mlflow/v1/chat/completions', 'use', modelInBody, ...inItsProvidersWords],
  ['GET', '/gateway/mlflow/v1/models', 'signed-in', [], keepUsable('data', 'gateway_endpoint_name', 'id')],
  ['POST', '/gateway/openai/v1/chat/completions', 'use', modelInBody, ...inItsProvidersWords],
  ['POST', '/gateway/openai/v1/embeddings', 'use', modelInBody, ...inItsProvidersWords],
  ['POST', '/gateway/openai/v1/responses', 'use', modelInBody, ...inItsProvidersWords],
  ['POST', '/gateway/openai/v1/responses/compact', 'use', modelInBody, ...inItsProvidersWords],
  ['POST', '/gateway/typesafe/v1/systemone', 'use', modelInBody, ...inItsProvidersWords],
  ['POST', '/gateway/anthropic/v1/messages', 'use', modelInBody, ...inItsProvidersWords],
  [
    'POST',
    '/gateway/gemini/v1beta/models/:endpoint_and_verb',
    'use',
    geminiCall('path.endpoint_and_verb'),
    ...inItsProvidersWords,
  ],
  ['POST', '/gateway/proxy/:endpoint_name/*path', 'admin'],
  // The run and prompt-lab pages ask which endpoints there are; without a deployments target the answer is none.
  [
    'GET',
    'ajax 2.0 gateway-proxy',
    'signed-in',
    [],
    only(/^api\/2\.0\/endpoints\/?$/, 'query.gateway_path', PROXY_GOES_ANYWHERE),
    adminOnly(PROXY_GOES_ANYWHERE, 'query.json_data'),
  ],
  [
    'POST',
    'ajax 2.0 gateway-proxy',
    'signed-in',
    [],
    only(/^gateway\/(?!\.+\/)[A-Za-z0-9_.-]+\/invocations$/, 'body.gateway_path', PROXY_GOES_ANYWHERE),
    special('server-keys'),
  ],
];

/** MCP servers are named `namespace/slug`: exactly two segments, though the upstream's routes are greedy. */
const mcp = mcpServer('path.namespace/slug');
const mcpVersions = all('mcp_server_version', mcp);
const MCP = '3.0 mcp-servers/:namespace/:slug';
const MCP_PAGING = { largestPage: 1000, defaultPage: 100, last: null } as const;

const mcpRegistry: readonly Row[] = [
  ['POST', '3.0 mcp-servers', 'signed-in', [], adopt('mcp_server', 'body.name', 'name')],
  [
    'GET',
    '3.0 mcp-servers',
    'signed-in',
    [],
    keepListed('mcp_servers', 'mcp_server', 'name', MCP_PAGING),
    allowedActions('mcp_server', 'name', 'mcp_servers'),
  ],
  [
    'GET',
    '3.0 mcp-servers/endpoints',
    'signed-in',
    [],
    keepListed('mcp_access_endpoints', 'mcp_server', 'server_name', { ...MCP_PAGING, row: 'id' }),
  ],
  ['GET', MCP, 'read', mcp, allowedActions('mcp_server', 'name')],
  ['PATCH', MCP, 'update', mcp],
  ['DELETE', MCP, 'delete', mcp, forget('mcp_server', 'path.namespace/slug')],
  ['POST', `${MCP}/versions`, 'signed-in', [], unlessDenied('mcp_server_version'), special('mcp-version')],
  ['GET', `${MCP}/versions`, 'read', mcpVersions],
  ['GET', `${MCP}/versions/:version`, 'read', mcpVersions],
  // Another way to delete it.
  [
    'PATCH',
    `${MCP}/versions/:version`,
    'update',
    mcpVersions,
    keysNeed('delete', 'body.status', ['deleted']),
  ],
  ['DELETE', `${MCP}/versions/:version`, 'delete', mcpVersions],
  ['POST', `${MCP}/versions/:version/tags`, 'update', mcpVersions],
  ['DELETE', `${MCP}/versions/:version/tags/:key`, 'delete', mcpVersions],
  ['POST', `${MCP}/endpoints`, 'update', mcp],
  ['GET', `${MCP}/endpoints`, 'read', mcp],
  ['GET', `${MCP}/endpoints/:endpoint_id`, 'read', mcp],
  ['PATCH', `${MCP}/endpoints/:endpoint_id`, 'update', mcp],
  ['DELETE', `${MCP}/endpoints/:endpoint_id`, 'delete', mcp],
  ['POST', `${MCP}/tags`, 'update', mcp],
  ['DELETE', `${MCP}/tags/:key`, 'delete', mcp],
  ['POST', `${MCP}/aliases`, 'update', mcp, unlessDenied('mcp_server_version')],
  ['GET', `${MCP}/aliases/:alias`, 'read', mcpVersions],
  ['DELETE', `${MCP}/aliases/:alias`, 'delete', mcp, unlessDenied('mcp_server_version')],
];

/** Skills are named `name`, or `@organization/name`. */
const theSkill = skill('path.@organization/name');
const SKILL_PAGING = {
  ...MCP_PAGING,
  selector: 'include_skill_identities',
  tokenScope: 'skills',
} as const;

const skillRows = (path: string): readonly Row[] => [
  ['GET', path, 'read', theSkill, allowedActions('skill', '@organization/name')],
  ['PATCH', path, 'update', theSkill, allowedActions('skill', '@organization/name')],
  ['DELETE', path, 'delete', theSkill, forget('skill', 'path.@organization/name')],
  ['POST', `${path}/tags`, 'update', theSkill],
  ['DELETE', `${path}/tags/*key`, 'update', theSkill],
  ['POST', `${path}/aliases`, 'update', theSkill],
  ['GET', `${path}/aliases/:alias`, 'read', theSkill],
  ['DELETE', `${path}/aliases/:alias`, 'delete', theSkill],
  [
    'POST',
    `${path}/versions`,
    'signed-in',
    [],
    takesUpload('metadata', 'content'),
    equal('path.name', 'body.name'),
    equal('path.organization', 'body.organization'),
    special('skill-versions', 'path.@organization/name'),
  ],
  ['GET', `${path}/versions`, 'read', theSkill],
  ['GET', `${path}/versions/:version`, 'read', theSkill],
  // Another way to delete it.
  ['PATCH', `${path}/versions/:version`, 'update', theSkill, keysNeed('manage', 'body.status', ['deleted'])],
  ['DELETE', `${path}/versions/:version`, 'delete', theSkill],
  ['POST', `${path}/versions/:version/tags`, 'update', theSkill],
  ['DELETE', `${path}/versions/:version/tags/*key`, 'delete', theSkill],
];

const skillRegistry: readonly Row[] = [
  [
    'POST',
    '3.0 skills',
    'signed-in',
    [],
    adopt('skill', 'body.@organization/name', '@organization/name'),
    allowedActions('skill', '@organization/name'),
  ],
  [
    'GET',
    '3.0 skills',
    'signed-in',
    [],
    keepListed('skills', 'skill', '@organization/name', SKILL_PAGING),
    allowedActions('skill', '@organization/name', 'skills'),
  ],
  [
    'POST',
    '3.0 skills/bulk-register',
    'signed-in',
    [],
    special('skill-versions', 'body.@organization/skills[].name'),
  ],
  ...skillRows('3.0 skills/:name'),
  ...skillRows('3.0 skills/@:organization/:name'),
];

const server: readonly Row[] = [
  ['POST', '2.0 webhooks', 'admin'],
  ['GET', '2.0 webhooks', 'admin'],
  ['GET', '2.0 webhooks/:webhook_id', 'admin'],
  ['PATCH', '2.0 webhooks/:webhook_id', 'admin'],
  ['DELETE', '2.0 webhooks/:webhook_id', 'admin'],
  ['POST', '2.0 webhooks/:webhook_id/test', 'admin'],

  ['GET', '3.0 workspaces', 'signed-in', [], keep('workspaces', 'workspace', 'name')],
  ['POST', '3.0 workspaces', 'admin', [], opensWorkspace('workspace.name')],
  ['GET', '3.0 workspaces/:workspace_name', 'read', workspace('path.workspace_name')],
  ['PATCH', '3.0 workspaces/:workspace_name', 'admin'],
  ['DELETE', '3.0 workspaces/:workspace_name', 'admin', [], closesWorkspace('path.workspace_name')],

  ['POST', 'ajax 3.0 demo/generate', 'admin', [], afresh, brings('demo')],
  ['POST', 'ajax 3.0 demo/delete', 'admin'],
  [
    'GET',
    'ajax 3.0 ui-telemetry',
    'signed-in',
    [],
    answer({ disable_ui_telemetry: true, disable_ui_events: [], ui_rollout_percentage: 0 }),
  ],
  ['POST', 'ajax 3.0 ui-telemetry', 'signed-in', [], answer({ status: 'disabled' })],

  // The assistant runs agents with a shell on the server for a caller who comes from loopback, as the gateway does.
  [
    'GET',
    'ajax 3.0 assistant/config',
    'signed-in',
    [],
    answer({ providers: {}, projects: {}, remote_access_allowed: false, can_edit_server_settings: false }),
  ],
  // With both answers MLflow's pages do not offer it, but to a browser that asks for localhost.
  [
    'GET',
    'ajax 3.0 assistant/providers',
    'signed-in',
    [],
    answer({ providers: [], resolved: null, gateway_vendor_options: {} }),
  ],
  ['PUT', 'ajax 3.0 assistant/config', 'nobody'],
  ['POST', 'ajax 3.0 assistant/message', 'nobody'],
  ['GET', 'ajax 3.0 assistant/sessions/:session_id/stream', 'nobody'],
  ['PATCH', 'ajax 3.0 assistant/sessions/:session_id', 'nobody'],
  ['POST', 'ajax 3.0 assistant/sessions/:session_id/permission', 'nobody'],
  ['POST', 'ajax 3.0 assistant/sessions/:session_id/tool-result', 'nobody'],
  ['GET', 'ajax 3.0 assistant/providers/:provider/health', 'nobody'],
  ['GET', 'ajax 3.0 assistant/providers/:provider/models', 'nobody'],
  ['POST', 'ajax 3.0 assistant/skills/install', 'nobody'],

  ['POST', '/graphql', 'signed-in', [], special('graphql')],
  ['GET', '/graphql', 'nobody'],

  // The page takes its parameters from the address itself.
  ['GET', '/', 'signed-in', [], inAnyScope, takesAnyField, linkPages],
  ['GET', '/version', 'signed-in', [], inAnyScope],
  ['GET', '/metrics', 'admin'],
  ['GET', '/favicon.ico', 'public'],
  ['GET', '/static-files/*path', 'public'],
  ['GET', '/build/*filename', 'signed-in', [], inAnyScope],
  ['GET', '3.0 server-info', 'public'],
  // Where MLflow 3.9 has it.
  ['GET', '/server-info', 'signed-in', [], inAnyScope],
];

/** The rows by what they are about, in the order a reader would look for them. */
export const SECTIONS = {
  Experiments: experiments,
  Runs: runs,
  Artifacts: artifacts,
  'Logged models': loggedModels,
  Traces: traces,
  Evaluation: evaluation,
  'Model registry': registry,
  'AI gateway': aiGateway,
  'MCP registry': mcpRegistry,
  'Skill registry': skillRegistry,
  Server: server,
} as const satisfies Record<string, readonly Row[]>;

/** Every row of MLflow's. */
export const ROUTES: readonly Row[] = Object.values(SECTIONS).flat();
