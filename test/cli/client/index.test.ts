import { execFile, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { typeOnTerminal } from '../../support/terminal.ts';
import { type Answer, type FakeServer, startFake } from './fake-server.ts';

const ENTRY = join(import.meta.dirname, '../../../src/cli/client/index.ts');

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

describe('as a program', () => {
  test('--version is the one of the package', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, '--version']);
    expect(stdout).toBe(`${manifest.version}\n`);
  });

  test('a usage error ends with exit code 2', async () => {
    await expect(promisify(execFile)(process.execPath, [ENTRY, 'get-user'])).rejects.toMatchObject({
      code: 2,
    });
  });

  test('an old Node.js is told so in one line', () => {
    // As Node 20 names itself; a real one fails while it loads what the command is made of.
    const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(old)}`, ENTRY, 'whoami'],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^mlflow-auth-client: Node\.js 20\.20\.2 is too old: .*\n$/);
  });

  test('a reader that has seen enough is no error', async () => {
    const users = Array.from({ length: 20_000 }, (_, id) => ({
      id,
      username: `user-${id}`,
      is_admin: false,
    }));
    server = await startFake({ 'GET /api/2.0/mlflow/users': [200, { users }] });
    const env = { ...process.env, MLFLOW_TRACKING_URI: server.uri, http_proxy: '', HTTP_PROXY: '' };
    const child = spawn(process.execPath, [ENTRY, 'list-users', 'to-json'], { env });
    const complaints: string[] = [];
    child.stderr.on('data', (text) => complaints.push(String(text)));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
  });
});

describe('on a terminal', () => {
  const CREATED: Answer = [200, { user: { id: 2, username: 'alice', is_admin: false } }];
  const ASKS_FOR_CURRENT = ({ body }: { body: unknown }): Answer =>
    JSON.stringify(body).includes('current_password')
      ? [200, {}]
      : [
          400,
          {
            error_code: 'INVALID_PARAMETER_VALUE',
            message: 'Current password is required when changing your own password.',
          },
        ];

  /** Types each answer as its question shows up; what the terminal showed comes back with the exit code. */
  async function typing(
    argv: readonly string[],
    dialogue: readonly [question: string, typed: string][],
    { signIn = {}, current = [200, {}] }: { signIn?: Record<string, string>; current?: Answer } = {},
  ) {
    server = await startFake({
      'GET /api/2.0/mlflow/users/current': current,
      'POST /api/2.0/mlflow/users/create': CREATED,
      'PATCH /api/2.0/mlflow/users/update-password': ASKS_FOR_CURRENT,
    });
    const env = {
      ...process.env,
      MLFLOW_TRACKING_URI: server.uri,
      MLFLOW_TRACKING_TOKEN: 't',
      MLFLOW_TRACKING_USERNAME: '',
      http_proxy: '',
      HTTP_PROXY: '',
      ...signIn,
    };
    const { code, shown } = await typeOnTerminal([process.execPath, ENTRY, ...argv], dialogue, env);
    const changes = server.asked.filter(({ method }) => method !== 'GET');
    return { code, shown, server, asked: changes.map(({ body }) => body) };
  }

  test('a password is asked for twice and never shown', async () => {
    const { code, shown, asked } = await typing(
      ['create-user', 'alice'],
      [
        ['New password for alice: ', 'correct horsex\u007f\r'],
        ['New password for alice again: ', 'correct horse\r'],
      ],
    );
    expect(asked).toEqual([{ username: 'alice', password: 'correct horse' }]);
    expect(code).toBe(0);
    expect(shown).toMatch(
      /^New password for alice: \r\nNew password for alice again: \r\nID +NAME +ADMIN\r\n2 +alice +no\r\n$/,
    );
  });

  test('nobody is asked for a new password before the sign-in is known to be right', async () => {
    const { code, shown, asked } = await typing(['create-user', 'alice'], [], { current: [401, ''] });
    expect({ code, asked }).toEqual({ code: 1, asked: [] });
    expect(shown).toMatch(/^mlflow-auth-client: You are not signed in\. [^\r\n]*\r\n$/);
  });

  test.each<[what: string, current: Answer]>([
    ['does not know the call', [404, '<!doctype html>']],
    ['answers otherwise', [503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'Later.' }]],
  ])('a server that %s when asked about the sign-in is asked all the same', async (_, current) => {
    const { code } = await typing(
      ['create-user', 'alice'],
      [['New password for alice: ', 'correct horse\rcorrect horse\r']],
      { current },
    );
    expect(code).toBe(0);
  });

  test('the password to sign in with is asked for where only the name is set, and it is said whose', async () => {
    const {
      code,
      shown,
      server: asked,
    } = await typing(
      ['create-user', 'alice'],
      [
        ['Password of admin: ', 'the admin password\r'],
        ['New password for alice: ', 'correct horse\r'],
        ['New password for alice again: ', 'correct horse\r'],
      ],
      { signIn: { MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_TOKEN: '' } },
    );
    expect(code).toBe(0);
    expect(new Set(asked.asked.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${Buffer.from('admin:the admin password').toString('base64')}`]),
    );
    expect(shown).not.toContain('the admin password');
  });

  test('what is pasted at once counts for both questions', async () => {
    const { code, asked } = await typing(
      ['create-user', 'alice'],
      [['New password for alice: ', 'correct horse\rcorrect horse\r']],
    );
    expect({ code, asked }).toEqual({ code: 0, asked: [{ username: 'alice', password: 'correct horse' }] });
  });

  test('two that differ change nothing', async () => {
    const { code, shown, asked } = await typing(
      ['update-user-password', 'alice'],
      [
        ['New password for alice: ', 'one\r'],
        ['New password for alice again: ', 'two\r'],
      ],
    );
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(shown).toContain('not the same');
  });

  test('the current password is asked for when the server wants it', async () => {
    const { code, asked } = await typing(
      ['update-user-password', 'alice'],
      [
        ['New password for alice: ', 'new\r'],
        ['New password for alice again: ', 'new\r'],
        ['Current password of alice: ', 'old\r'],
      ],
    );
    expect(code).toBe(0);
    expect(asked.at(-1)).toEqual({ username: 'alice', password: 'new', current_password: 'old' });
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s ends it and changes nothing', async (_, key) => {
    const { code, shown, asked } = await typing(
      ['create-user', 'alice'],
      [['New password for alice: ', key]],
    );
    expect({ code, asked }).toEqual({ code: 1, asked: [] });
    expect(shown).toMatch(/Cancelled; nothing was changed\.\r\n$/);
  });
});
