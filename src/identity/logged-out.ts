/**
 * What names begin with that MLflow's UI signs out with: it sends a request as a user of such a name, which nobody may
 * have, and expects a 401.
 */
export const LOGGED_OUT_PREFIX = 'mlflow-logged-out';
