/**
 * The tag of a logged model in which MLflow lists the versions of registered models that were made of it, as JSON:
 * `[{"name": "…", "version": "…"}]`.
 *
 * @see `set_model_versions_tags` in mlflow/store/tracking/abstract_store.py
 */
export const MODEL_VERSIONS_TAG = 'mlflow.modelVersions';
