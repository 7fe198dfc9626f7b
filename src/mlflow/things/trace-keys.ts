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
