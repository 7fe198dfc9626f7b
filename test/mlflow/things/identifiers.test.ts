import { describe, expect, test } from 'vitest';
import {
  endpointOfGeminiCall,
  hasPromptTag,
  isCanonical,
  joinId,
  partOfArtifact,
} from '../../../src/mlflow/things/identifiers.ts';
import { NEWEST, runPython } from '../../support/mlflow.ts';

describe('the id of a scorer', () => {
  const NAMES = ['judge', 'a b', 'a/b', '100%', "it's!*()", '~_.-', 'ü€😀', '+&=?#'];

  test('is the one MLflow keeps grants under', async () => {
    const printed = await runPython(
      NEWEST,
      `
import json
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
print(json.dumps([SqlAlchemyStore._scorer_pattern("7", name) for name in ${JSON.stringify(NAMES)}]))`,
    );
    const ids = NAMES.map((name) => joinId('7', name));
    expect(ids).toEqual(JSON.parse(printed));
    expect(ids.filter((id) => !isCanonical('scorer', id))).toEqual([]);
  });

  test.each(['07/judge', '7', '/judge', 'x/judge', '7/a b', '7/a/b'])('is not %s', (id) => {
    expect(isCanonical('scorer', id)).toBe(false);
  });
});

describe('a call in Google’s style', () => {
  test.each(['mine:generateContent', 'mine:streamGenerateContent'])('%s names its endpoint', (call) => {
    expect(endpointOfGeminiCall(call)).toBe('mine');
  });

  test.each([
    'mine',
    'mine:',
    ':generateContent',
    'mine:countTokens',
    'a:b:generateContent',
    'mine:generateContent:x',
  ])('%s is refused', (call) => {
    expect(() => endpointOfGeminiCall(call)).toThrow(/generateContent/);
  });
});

describe('a prompt', () => {
  const tagged = (value: string) => ({ tags: [{ key: 'mlflow.prompt.is_prompt', value }] });
  test.each([
    [tagged('true'), true],
    [tagged('True'), true],
    [tagged('false'), false],
    [{ tags: [{ key: 'other', value: 'true' }] }, false],
    [{ tags: [null, 'x'] }, false],
    [{}, false],
    [undefined, false],
  ])('%j: %s', (entity, isPrompt) => {
    expect(hasPromptTag(entity)).toBe(isPrompt);
  });
});

describe('a path below the artifacts of an experiment', () => {
  test.each([
    ['0123/artifacts/a', 'run'],
    ['models/m-1/artifacts/a', 'logged_model'],
    ['traces/tr-1/artifacts/a', 'trace'],
    ['0123', undefined],
    ['', undefined],
  ])('%s lies in a %s', (path, part) => {
    expect(partOfArtifact(path.split('/'))).toBe(part);
  });
});
