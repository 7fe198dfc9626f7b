import { describe, expect, test } from 'vitest';
import { liesIn, readPromptUri, readSource } from '../../../src/mlflow/things/source.ts';

const RUN = '0123456789abcdef0123456789abcdef';
const MODEL = `m-${RUN}`;

describe('the source of a model version', () => {
  test.each([
    [`runs:/${RUN}/model`, { kind: 'run', id: RUN }],
    [`runs:/${RUN}`, { kind: 'run', id: RUN }],
    [`models:/${MODEL}`, { kind: 'logged_model', id: MODEL }],
    ['models:/name/1', { kind: 'registered_model', id: 'name' }],
    ['models:/name/latest', { kind: 'registered_model', id: 'name' }],
    ['models:/name@champion', { kind: 'registered_model', id: 'name' }],
    ['mlflow-artifacts:/1/abc/artifacts/model', { kind: 'artifact', id: '1/abc/artifacts/model' }],
    ['dummy-source', { kind: 'nothing' }],
    ['s3://bucket/path', { kind: 'storage', uri: 's3://bucket/path' }],
    ['/var/mlruns/1/abc', { kind: 'storage', uri: '/var/mlruns/1/abc' }],
    ['file:///etc', { kind: 'storage', uri: 'file:///etc' }],
  ])('%s points at what MLflow will read', (source, pointer) => {
    expect(readSource(source)).toEqual(pointer);
  });

  test('a model whose name has an @ is not taken for another', () => {
    expect(readSource('models:/theirs@x/1')).toEqual({ kind: 'registered_model', id: 'theirs@x' });
    expect(readSource('models:/theirs@x@champion')).toEqual({ kind: 'registered_model', id: 'theirs@x' });
  });

  test.each([
    `runs:/${RUN}/../../2`,
    `runs:/${RUN}/%2e%2e/x`,
    `runs://profile@host/${RUN}/model`,
    `runs:///${RUN}/model`,
    'runs:/',
    'runs:',
    `runs:${RUN}/model`,
    'models:/',
    'models:/name',
    'models:/@alias',
    'models://host/name/1',
    'models:/name/1/more',
    'models:/name//1',
    `models:/${MODEL}?x`,
    'mlflow-artifacts://host/1/abc',
    'mlflow-artifacts:/1/../2/abc',
    'mlflow-artifacts:/1/abc#/x',
    's3://bucket/../other',
    '/var/mlruns/1/abc/../../2',
    '..',
    'a\\..\\b',
    ` runs:/${RUN}/model`,
    `runs:/${RUN}/model\n`,
    `runs:/${RUN}\u0000`,
  ])('%j can be tied to nothing', (source) => {
    expect(readSource(source)).toEqual({ kind: 'unknown' });
  });

  test('only the scheme as MLflow writes it counts', () => {
    expect(readSource(`RUNS:/${RUN}/model`)).toMatchObject({ kind: 'storage' });
    expect(readSource('MLFLOW-ARTIFACTS:/1/abc')).toMatchObject({ kind: 'storage' });
  });
});

describe('a directory holds', () => {
  test.each([
    ['itself', '/a/b', '/a/b', true],
    ['what is in it', '/a/b/c', '/a/b', true],
    ['what is in it, written with a slash at the end', 's3://x/b/c', 's3://x/b/', true],
    ['not its neighbour of a longer name', '/a/bc', '/a/b', false],
    ['not what holds it', '/a', '/a/b', false],
    ['nothing, if it has no name', '/a', '', false],
    ['not everything, if it is the root', '/a', '/', false],
  ])('%s', (_, uri, root, expected) => {
    expect(liesIn(uri, root)).toBe(expected);
  });
});

describe('the address of a prompt', () => {
  test.each([
    ['prompts:/name/1', 'name'],
    ['prompts:/name@alias', 'name'],
    ['prompts:/name@x/1', 'name@x'],
    ['prompts:/name@x@alias', 'name@x'],
    ['name', 'name'],
    ['name@x', 'name@x'],
  ])('%s names a prompt as MLflow reads it', (uri, name) => {
    expect(readPromptUri(uri)).toBe(name);
  });

  test.each([
    'prompts:/',
    'prompts:/name',
    'prompts://host/name/1',
    'prompts:/a/1/2',
    'prompts:/@x',
    'a?b',
    'a%62',
  ])('%s is refused', (uri) => {
    expect(() => readPromptUri(uri)).toThrow('Write the prompt as');
  });
});
