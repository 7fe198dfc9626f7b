/**
 * Trace tags that send `get-trace-artifact` to any address at all: verified on 3.17.2, where a tag on
 * one's own trace reads another experiment's files.
 */
export const REDIRECTING_TRACE_KEYS = [
  'mlflow.artifactLocation',
  'mlflow.trace.spansLocation',
  'mlflow.trace.archiveLocation',
  'mlflow.trace.archivalFailure',
] as const;

const fold = (key: string) => key.trim().toLowerCase();

/** Whether `key` is one of `keys`, to a database that compares without regard to case and trailing blanks as well. */
export const names = (keys: readonly string[], key: string): boolean =>
  keys.some((each) => fold(each) === fold(key));
