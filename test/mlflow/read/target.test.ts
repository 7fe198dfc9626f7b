import { describe, expect, test } from 'vitest';
import { readTarget } from '../../../src/mlflow/read/target.ts';

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

describe('a target is brought into one form', () => {
  test.each([
    // as sent, canonical path, decoded segments
    ['/', '/', ['']],
    ['/api/2.0/mlflow/runs/get', '/api/2.0/mlflow/runs/get', ['api', '2.0', 'mlflow', 'runs', 'get']],
    ['/ajax-api/3.0/jobs/', '/ajax-api/3.0/jobs/', ['ajax-api', '3.0', 'jobs', '']],
    ['//api/get', '/api/get', ['api', 'get']],
    ['////', '/', ['']],
    ['/%61pi/%67et', '/api/get', ['api', 'get']],
    ['/a%20b/%c3%a9', '/a%20b/%C3%A9', ['a b', 'é']],
    ["/a!$&'()*+,;:=@-._~b", "/a!$&'()*+,;:=@-._~b", ["a!$&'()*+,;:=@-._~b"]],
    ['/%21%24%26%27%28%29%2A%2B%2C%3B%3A%3D%40', "/!$&'()*+,;:=@", ["!$&'()*+,;:=@"]],
    ['/a%3Fb%23c', '/a%3Fb%23c', ['a?b#c']],
    ['/...', '/...', ['...']],
    ['/.well-known/x', '/.well-known/x', ['.well-known', 'x']],
    ['/static-files/lib/%5Bx%5D.js', '/static-files/lib/%5Bx%5D.js', ['static-files', 'lib', '[x].js']],
  ])('%s', (sent, path, segments) => {
    expect(readTarget(sent)).toEqual({ path, segments, rawQuery: undefined });
  });

  test('the query is kept as it was sent', () => {
    expect(readTarget('/a?b=%2F..%2F&c=d?e/f').rawQuery).toBe('b=%2F..%2F&c=d?e/f');
    expect(readTarget('/a%20?b').rawQuery).toBe('b');
    expect(readTarget('/a?').rawQuery).toBe('');
  });

  test('a canonical path is its own canonical path', () => {
    for (const sent of ['/a%3fb', '/%7Euser', `${ARTIFACTS}/1/100%2525.png`, `${ARTIFACTS}/1//./a`]) {
      const { path, segments } = readTarget(sent);
      expect(readTarget(path)).toEqual({ path, segments, rawQuery: undefined });
    }
  });
});

describe('what two readers could take for different paths is refused', () => {
  test.each([
    ['an empty target', ''],
    ['a target without a slash', 'api/2.0'],
    ['the asterisk form', '*'],
    ['the absolute form', 'http://localhost/api/2.0/mlflow/runs/get'],
    ['the authority form', 'localhost:80'],
    ['a double slash', '/api//2.0'],
    ['a double slash at the end', '/api/2.0//'],
    ['a dot segment', '/api/./2.0'],
    ['a dot segment at the end', '/api/.'],
    ['a dot segment before the query', '/api/..?x'],
    ['a parent segment', '/api/../2.0'],
    ['an encoded dot segment', '/api/%2e%2E/2.0'],
    ['a half encoded dot segment', '/api/.%2e'],
    ['an encoded slash', '/api%2F2.0/mlflow/runs/get'],
    ['an encoded backslash', '/api/%5C'],
    ['an encoded NUL', '/api/a%00b'],
    ['an encoded percent sign', '/api/%2567et'],
    ['an encoded line feed', '/api/a%0Ab'],
    ['an encoded delete character', '/api/a%7F'],
    ['an encoded C1 control character', '/api/a%C2%85'],
    ['a percent sign alone', '/api/100%'],
    ['a percent sign before other characters', '/api/%zz'],
    ['half an encoding', '/api/%4'],
    ['a bad encoding in the query', '/api?a=%zz'],
    ['bytes that are not UTF-8', '/api/%FF'],
    ['an overlong encoding', '/api/%C0%AF'],
    ['an encoded surrogate', '/api/%ED%A0%80'],
    ['a raw backslash', '/api\\2.0'],
    ['a raw space', '/api 2.0'],
    ['a raw letter beyond ASCII', '/é'],
    ['a raw control character', '/a\u0001'],
    ['a raw line feed at the end', '/a\n'],
    ['a raw bracket', '/a[0]'],
    ['a raw quote in the query', '/a?b="'],
    ['a fragment', '/a#b'],
    ['a fragment behind the query', '/a?b#c'],
    ['more than 16 KiB', `/${'a'.repeat(16_384)}`],
  ])('%s', (_what, sent) => {
    expect(() => readTarget(sent)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('16 KiB are allowed', () => {
    expect(readTarget(`/${'a'.repeat(16_383)}`).path).toHaveLength(16_384);
  });
});

describe('the slash in the name of an MCP server is a slash, encoded or not', () => {
  const MCP = '/api/3.0/mlflow/mcp-servers';

  test.each([
    [`${MCP}/io.x%2Fsrv`, `${MCP}/io.x/srv`],
    [`${MCP}/io.x%2fsrv/versions/1.0.0%2Bb`, `${MCP}/io.x/srv/versions/1.0.0+b`],
    [`/ajax-api/3.0/mlflow/mcp-servers/a%20b%2Fc/tags`, '/ajax-api/3.0/mlflow/mcp-servers/a%20b/c/tags'],
    // Read as MLflow reads it: another route, which is judged as itself.
    [`${MCP}/endpoints%2Fx`, `${MCP}/endpoints/x`],
  ])('%s', (sent, path) => {
    const segments = path.slice(1).split('/').map(decodeURIComponent);
    expect(readTarget(sent)).toEqual({ path, segments, rawQuery: undefined });
  });

  test.each([
    `${MCP}/%2Fsrv`,
    `${MCP}/io.x%2F/versions`,
    `${MCP}/io.x%2F..%2Fsrv`,
    `${MCP}/io.x%2F%2e%2e`,
    `${MCP}/io.x%252Fsrv`,
    `${MCP}/io.x%2Fsrv%2Fversions`,
    `${MCP}/io.x/srv%2Fversions`,
    `${MCP}/io.x/srv/tags/a%2Fb`,
    '/api/3.0/mlflow/mcp-servers%2Fio.x/srv',
    '/api/3.0/mlflow/traces/a%2Fb',
  ])('and nothing else is: %s', (sent) => {
    expect(() => readTarget(sent)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

describe('an artifact path is decoded until nothing is left to decode, as MLflow does', () => {
  test.each([
    ['1/run/artifacts/MLmodel', '1/run/artifacts/MLmodel'],
    ['%31/a', '1/a'],
    ['1%2Fa', '1/a'],
    ['%2531%252Fa', '1/a'],
    ['1//a/./b/', '1/a/b'],
    ['1/%2e/a', '1/a'],
    ['1/100%25.png', '1/100%25.png'],
    ['1/100%2525.png', '1/100%25.png'],
    ['1/a%2541', '1/aA'],
    ['1/a%2b%2B+', '1/a+++'],
    ['1/%C3%A9', '1/%C3%A9'],
    ['1/a%3Fb', '1/a%3Fb'],
    ['1/%5B0%5D', '1/%5B0%5D'],
  ])('%s', (sent, canonical) => {
    expect(readTarget(`${ARTIFACTS}/${sent}`).path).toBe(`${ARTIFACTS}/${canonical}`);
  });

  test.each([
    ['/api/2.0/mlflow-artifacts/artifacts/1//a', '/api/2.0/mlflow-artifacts/artifacts/1/a'],
    ['/ajax-api/2.0/mlflow-artifacts/artifacts/1//a', '/ajax-api/2.0/mlflow-artifacts/artifacts/1/a'],
    ['/api/2.0/mlflow-artifacts/presigned/1//a', '/api/2.0/mlflow-artifacts/presigned/1/a'],
    ['/api/2.0/mlflow-artifacts/mpu/create/1//a', '/api/2.0/mlflow-artifacts/mpu/create/1/a'],
    ['/api/2.0/mlflow-artifacts/mpu/complete/1//a', '/api/2.0/mlflow-artifacts/mpu/complete/1/a'],
    ['/ajax-api/2.0/mlflow-artifacts/mpu/abort/1//a', '/ajax-api/2.0/mlflow-artifacts/mpu/abort/1/a'],
    // The prefix itself may be encoded: the server decodes before it routes.
    ['/api/2.0/%6dlflow-artifacts/%61rtifacts/1%2Fa', '/api/2.0/mlflow-artifacts/artifacts/1/a'],
  ])('behind every prefix: %s', (sent, path) => {
    expect(readTarget(sent)).toMatchObject({ path, segments: path.slice(1).split('/') });
  });

  test('its segments are decoded', () => {
    expect(readTarget(`${ARTIFACTS}/1/a%20b/100%25.png`).segments.slice(4)).toEqual(['1', 'a b', '100%.png']);
  });

  test('the prefix alone lists by its query', () => {
    expect(readTarget(`${ARTIFACTS}?path=1`)).toMatchObject({ path: ARTIFACTS, rawQuery: 'path=1' });
  });

  test.each([
    ...[
      '',
      '.',
      './',
      '%2e',
      '..',
      '1/../2',
      '1/%2e%2e/2',
      '1/%252e%252e/2',
      '1/.%2e',
      '..%252f2',
      '1/..%2f2',
    ],
    ...[
      '/etc/passwd',
      '%2Fetc',
      '%252Fetc',
      '//etc',
      '1/a%23b',
      '1/a%2523b',
      '1/a%5Cb',
      '1/..%5C2',
      '1/a%00',
      '1/a%0A',
    ],
    ...[
      '1/%7F',
      '1/%FF',
      '1/%25FF',
      'file:1',
      'file:%2F%2F1',
      '%66ile:1',
      '%252566%2569le:1',
      'File:1',
      'http:1',
      '1/a;',
      '1;',
    ],
    ...['1%3F', '1/a%3F', '%201/a', '%25201', '%252525252541', '%25252525252541'],
  ])('%j is refused in the words of MLflow', (sent) => {
    expect(() => readTarget(`${ARTIFACTS}/${sent}`)).toThrow(
      expect.objectContaining({ status: 400, message: 'Invalid path' }),
    );
  });

  test('what hides a slash before the prefix is not one of these paths', () => {
    expect(() => readTarget('/api/2.0%2Fmlflow-artifacts/artifacts/1')).toThrow('Invalid path');
    expect(() => readTarget('/api/2.0/mlflow/../mlflow-artifacts/artifacts/1')).toThrow('Invalid path');
  });
});
