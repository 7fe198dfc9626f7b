import { describe, expect, test } from 'vitest';
import { readArtifactPath } from '../../../src/mlflow/read/artifact-path.ts';

describe('an artifact path in a parameter', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['.', []],
    ['./', []],
    ['a/b', ['a', 'b']],
    ['a//b/./c/', ['a', 'b', 'c']],
    ['a%2Fb', ['a', 'b']],
    ['100%', ['100%']],
    ['%zz%4', ['%zz%4']],
    ['a?b', ['a?b']],
    ['a;b/c', ['a;b', 'c']],
    ['step:1/x', ['step:1', 'x']],
    ['1/http:x', ['1', 'http:x']],
    ['é/😀', ['é', '😀']],
  ])('%j is %j', (path, segments) => {
    expect(readArtifactPath(path)).toEqual(segments);
  });

  test.each([
    ...[
      '..',
      'a/..',
      '%2e%2e/a',
      '/a',
      '//a',
      '%2Fa',
      'a\\b',
      'a#b',
      'a\0',
      'a\n',
      'a\u0085',
      '\ud800',
      '%ff',
    ],
    // urlparse drops or rewrites these: two names for one artifact.
    ...[
      ' a',
      'a?',
      'a;',
      'a/b;',
      'a;?b',
      'a;/.',
      'File:a',
      'S3:a',
      'C:/a',
      'file:a',
      'file:///a',
      'https:a',
      'git+ssh:a',
    ],
  ])('%j is refused', (path) => {
    expect(() => readArtifactPath(path)).toThrow(
      expect.objectContaining({ status: 400, message: 'Invalid path' }),
    );
  });
});
