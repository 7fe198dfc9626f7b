/** No answer of the upstream sends a client to another server, nor tells the upstream's own address. */
import { describe, expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

const STREAMED = '/static-files/x';
const READ_WHOLE = '/api/2.0/mlflow/experiments/search?max_results=1';

describe.each(['', '/mlflow'])('below "%s"', (prefix) => {
  const { admin, upstream } = useGateway({
    fake: true,
    settings: prefix === '' ? {} : { static_prefix: prefix },
  });

  /** The header as it reaches a client, of an answer that streams and of one that is read whole. */
  async function passedOn(name: string, value: string | string[]): Promise<unknown[]> {
    upstream.answer((_request, response) => {
      response.writeHead(307, { [name]: value });
      response.end();
    });
    const answers = [await admin.get(`${prefix}${STREAMED}`), await admin.get(`${prefix}${READ_WHOLE}`)];
    upstream.answer(undefined);
    expect(answers.map(({ status }) => status)).toEqual([307, 307]);
    return answers.map(({ headers }) => headers[name]);
  }
  const twice = <T>(value: T) => [value, value];

  test.each(['location', 'content-location'])(
    '%s of the upstream itself is a path of the gateway',
    async (name) => {
      const own = (host: string) => `http://${host}/a/b?c=%2F#d`;
      for (const host of [new URL(upstream.uri).host, 'localhost', `a:b@${new URL(upstream.uri).host}`]) {
        expect(await passedOn(name, own(host))).toEqual(twice(`${prefix}/a/b?c=%2F#d`));
      }
      expect(await passedOn(name, 'https://localhost/a')).toEqual(twice(`${prefix}/a`));
      expect(await passedOn(name, '/a?b')).toEqual(twice(`${prefix}/a?b`));
      expect(await passedOn(name, '/mlflow/a')).toEqual(twice('/mlflow/a'));
      expect(await passedOn(name, './y')).toEqual([
        `${prefix}/static-files/y`,
        `${prefix}/api/2.0/mlflow/experiments/y`,
      ]);
    },
  );

  test.each([
    'http://elsewhere.example/a',
    'https://localhost:1/',
    '//elsewhere.example/a',
    '/\\elsewhere.example/a',
    '\\\\elsewhere.example/a',
    'javascript:alert(1)',
    'ftp://localhost/a',
    'http://localhost@elsewhere.example/',
    'http://[',
  ])('%s is dropped', async (address) => {
    expect(await passedOn('location', address)).toEqual(twice(undefined));
    expect(await passedOn('content-location', address)).toEqual(twice(undefined));
    expect(await passedOn('refresh', `0; url=${address}`)).toEqual(twice(undefined));
    expect(await passedOn('refresh', `0;URL='${address}'`)).toEqual(twice(undefined));
    expect(await passedOn('refresh', `0;${address}`)).toEqual(twice(undefined));
  });

  test('two slashes behind the upstream’s name do not become another server', async () => {
    expect(await passedOn('location', 'http://localhost//elsewhere.example/a')).toEqual(
      twice(`${prefix}/elsewhere.example/a`),
    );
  });

  test('several are dropped', async () => {
    expect(await passedOn('location', ['/a', 'http://elsewhere.example/'])).toEqual(twice(undefined));
  });

  test('a refresh keeps its time', async () => {
    expect(await passedOn('refresh', '5')).toEqual(twice('5'));
    expect(await passedOn('refresh', '5; url=http://localhost/a')).toEqual(twice(`5; url=${prefix}/a`));
  });
});
