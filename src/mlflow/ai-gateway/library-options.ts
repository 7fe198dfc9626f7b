/**
 * Options of LiteLLM, to which MLflow hands what a call, a judge or a secret says as it is: they choose the host or the
 * model that a call goes to, the credentials that go with it, or variables and files of the server that are sent along,
 * as `aws_web_identity_token` names one and `aws_sts_endpoint` who gets it. MLflow itself refuses five of them, from 3.17
 * on. No provider's own API has a field of such a name.
 *
 * @see `_build_litellm_kwargs` in mlflow/gateway/providers/litellm.py, `GATEWAY_DESTINATION_KEYS` in mlflow/utils/validation.py
 */
const FAMILIES = '(?:aws|azure|gcs|litellm|oci|s3|sagemaker|vertex|watsonx)_.*';
const SINGLE = [
  'account_id',
  'api_base',
  'azure',
  'base_url',
  'callbacks',
  'client',
  'client_id',
  'client_secret',
  'context_window_fallback_dict',
  'custom_endpoint',
  'custom_llm_provider',
  'deployment_id',
  'extra_headers',
  'failure_callback',
  'fallbacks',
  'headers',
  'hf_model_name',
  'model_id',
  'model_list',
  'provider_specific_header',
  'region_name',
  'shared_session',
  'ssl_verify',
  'success_callback',
  'tenant_id',
  'use_litellm_proxy',
];

/** The name of an option that is not the business of a single call. */
export const LIBRARY_OPTION = new RegExp(`^(?:${[FAMILIES, ...SINGLE].join('|')})$`);

/** Of those, the ones that nothing else is called. */
export const LIBRARY_FAMILY = new RegExp(`^${FAMILIES}$`);

/** What LiteLLM replaces by a variable of the server, or by a token that the machine gets. */
const REFERENCE = /^\s*(?:os\.environ|oidc)\//;

/** Whether a field of a secret has LiteLLM look for something of the server. */
export function looksOnServer(value: unknown): boolean {
  return typeof value === 'string' && REFERENCE.test(value);
}
