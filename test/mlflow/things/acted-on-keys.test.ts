import { describe, expect, test } from 'vitest';
import { needOfKey, needOfSpanKey } from '../../../src/mlflow/things/acted-on-keys.ts';

describe('a key of a tag or of metadata', () => {
  test.each(['team', 'mlflows', 'my.mlflow.key', 'größe', 'mlflow', '_mlflow_prompt_type', 'ŧeam.x'])(
    '%s is the user’s own',
    (key) => {
      expect(needOfKey('run', key)).toBeUndefined();
    },
  );

  test.each([
    'mlflow.note.content',
    'mlflow.source.git.commit',
    'mlflow.log-model.history',
    'mlflow.databricks.jobID',
    'MLFLOW.user',
    'mlflow.sharedViewState.abc',
  ])('%s is text in every version', (key) => {
    expect(needOfKey('experiment', key)).toBeUndefined();
  });

  test.each([
    'mlflow.brandNew',
    'MLflow.brandNew',
    ' mlflow.brandNew ',
    'mlfløw.brandNew',
    'mlﬂow.brandNew',
    'ｍｌｆｌｏｗ.brandNew',
    'ml\u200bflow.brandNew',
    'mlflow.note.contents',
    'mlflow.',
  ])('%j is an admin’s, as the next MLflow may act on it', (key) => {
    expect(needOfKey('experiment', key)?.needs).toBe('admin');
  });

  test.each([
    'mlflow.gateway.endpointId',
    'mlflow.auth.username',
    'mlflow.trace.spansLocation',
    'mlflow.AUTH.ûserId',
  ])('%s is an admin’s on everything', (key) => {
    for (const holder of ['experiment', 'run', 'trace', 'logged_model', 'registered_model'] as const) {
      expect(needOfKey(holder, key)?.needs).toBe('admin');
    }
    expect(needOfSpanKey(key)?.needs).toBe('admin');
  });

  test('asks for what its holder makes of it', () => {
    expect(needOfKey('experiment', 'mlflow.trace.archivalRetention')?.needs).toBe('manage');
    expect(needOfKey('registered_model', 'mlflow.prompt.is_prompt')?.needs).toBe('manage');
    expect(needOfKey('model_version', 'mlflow.prompt.text')).toBeUndefined();
    expect(needOfSpanKey('mlflow.spanInputs')).toBeUndefined();
  });
});
