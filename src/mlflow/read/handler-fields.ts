/**
 * What handlers of MLflow read without declaring it in a message: from the query by `request.args`, from the body by
 * `request.json`. Kept by hand, in the notation of ./fields.ts; `npm run mlflow:new` reads MLflow's sources and names
 * what is missing here. All of it is in mlflow/server/handlers.py, where the comment names no other file.
 */

type Declared = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** `CreateSkillVersionRequest` of mlflow/server/skill_registry_api.py, JSON or the `metadata` of a form. */
const SKILL_VERSION = {
  name: 'string',
  organization: 'string',
  source_type: 'string',
  source: 'string',
  ref: 'string',
  subpath: 'string',
  digest: 'string',
  status: 'string',
};

/** Parameters of the query; those of a GET whose message declares others are read besides. */
export const HANDLER_QUERIES: Declared = {
  'GET /get-artifact': { run_id: 'string', run_uuid: 'string', path: 'string' },
  'GET /model-versions/get-artifact': {
    name: 'string',
    version: 'string',
    path: 'string',
    presigned: 'string [3.18.0-]',
  },
  'GET ajax 2.0 metrics/get-history-bulk': { run_id: '*string', metric_key: 'string', max_results: 'int32' },
  'GET ajax 2.0 gateway-proxy': { gateway_path: 'string', json_data: 'string' },
  'POST ajax 2.0 upload-artifact': { run_id: 'string [3.18.0-]', run_uuid: 'string', path: 'string' },
  'GET ajax 2.0 get-trace-artifact': { request_id: 'string', path: 'string [3.11.1-]' },
  'GET ajax 3.0 get-trace-artifact': { request_id: 'string', path: 'string [3.11.1-]' },
  'GET ajax 2.0 logged-models/:model_id/artifacts/files': {
    artifact_file_path: 'string',
    presigned: 'string [3.18.0-]',
  },
  'GET 3.0 scorers/online-configs': { scorer_ids: '*string' },
  'GET ajax 3.0 gateway/supported-models': { provider: 'string' },
  'GET ajax 3.0 gateway/provider-config': { provider: 'string' },
  'GET 2.0 logged-models/:model_id': { allow_deleted: 'bool [3.7.0-]' },
  'DELETE 3.0 workspaces/:workspace_name': { mode: 'string' },
};

/** Fields of the body. */
export const HANDLER_BODIES: Declared = {
  'POST ajax 2.0 experiments/search-datasets': { experiment_ids: '*string' },
  'POST ajax 2.0 gateway-proxy': { gateway_path: 'string', json_data: 'json' },
  'POST ajax 2.0 runs/create-promptlab-run': {
    experiment_id: 'string',
    run_name: 'string',
    tags: 'json',
    prompt_template: 'string',
    prompt_parameters: 'json',
    model_route: 'string',
    model_parameters: 'json',
    model_input: 'string',
    model_output: 'string',
    model_output_parameters: 'json',
    mlflow_version: 'string',
    user_id: 'string',
    start_time: 'int64',
  },
  'PUT 3.0 scorers/online-config': {
    experiment_id: 'string',
    name: 'string',
    sample_rate: 'double',
    filter_string: 'string',
  },
  'POST ajax 3.0 scorer/invoke': {
    experiment_id: 'string',
    serialized_scorer: 'string',
    trace_ids: '*string',
    log_assessments: 'bool',
    call_source: 'string [3.15.2-3.16.0]',
    scorer_name: 'string [3.17.0-]',
    scorer_version: 'json [3.17.0-]',
  },
  'POST ajax 3.0 genai/evaluate/invoke': {
    experiment_id: 'string',
    trace_ids: '*string',
    serialized_scorers: '*string',
    scorer_versions: 'json [3.17.0-]',
  },
  'POST ajax 3.0 issues/invoke': {
    experiment_id: 'string',
    trace_ids: '*string',
    categories: '*string',
    provider: 'string',
    model: 'string',
    secret_id: 'string',
    endpoint_name: 'string',
    instructions: 'string [3.18.0-]',
  },
  'POST ajax 3.0 issues/schedule/state': { experiment_id: 'string' },
  'POST 3.0 skills/:name/versions': SKILL_VERSION,
  'POST 3.0 skills/@:organization/:name/versions': SKILL_VERSION,
  'POST ajax 3.0 demo/generate': { features: 'json' },
  'POST /graphql': { query: 'string', variables: 'json', operationName: 'string' },
};
