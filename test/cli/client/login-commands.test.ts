/** The commands by which a person signs in at a terminal, against a gateway; the browser is a jar of cookies. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { request } from 'undici';
import { beforeEach, describe, expect, test } from 'vitest';
import { runClient } from '../../../src/cli/client/run-client.ts';
import { temporaryDirectory } from '../../store/temporary.ts';
import { goesOnTo } from '../../support/allow-program.ts';
import type { Person } from '../../support/gateway.ts';
import { type CookieJar, openJar, signInByPage } from '../../support/sign-in.ts';
import { byToken } from '../../support/tokens.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { run } from './run.ts';

const WHO = '/api/2.0/mlflow/users/current';

const { gateway, admin } = useGateway({ fake: true, settings: { static_prefix: '/mlflow' } });

let home: string;
let file: string;
let alice: Person;
let jar: CookieJar;
let server: string;
beforeEach(async () => {
  home = temporaryDirectory();
  file = join(home, '.mlflow', 'credentials');
  alice = await gateway.person('alice');
  jar = openJar(gateway);
  await jar.submit('/mlflow/auth/sign-in', { username: alice.username, password: alice.password });
  server = `${gateway.url}/mlflow`;
});

/** Answers the page, and goes where it leads. */
async function answer(address: string, said: string): Promise<string> {
  const { pathname, search } = new URL(address);
  const to = goesOnTo(await jar.submit(pathname + search, { answer: said }));
  if (to === undefined) {
    return '';
  }
  return (await request(to)).body.text();
}

interface Typed {
  readonly env?: Readonly<Record<string, string>>;
  readonly said?: string;
  readonly open?: (address: string) => Promise<unknown>;
  readonly waitMs?: number;
  readonly stdin?: string;
}

/** Types a command line; what opens is allowed unless something else is done with it. */
async function type(line: string, { env = {}, said = 'yes', open, ...more }: Typed = {}) {
  const opened: Promise<unknown>[] = [];
  const ran = await run(line.split(' '), env, {
    home,
    openBrowser: (address) => void opened.push(open?.(address) ?? answer(address, said)),
    ...more,
  });
  return { ...ran, shown: await Promise.all(opened) };
}

const tokens = async () =>
  (await admin.get(`/mlflow/api/2.0/mlflow/users/tokens/list?username=${alice.username}`)).json.tokens;
const kept = () => readFileSync(file, 'utf8');
const secretIn = (text: string) => /mlag_\w+/.exec(text)?.[0] ?? '';

test('login keeps a token where MLflow looks for it, for its user alone, and logout deletes it', async () => {
  const login = await type(`login --server ${server}`);
  expect(login).toMatchObject({
    code: 0,
    shown: ['You have signed in at the terminal. You may close this window.'],
  });
  expect(login.stdout).toMatch(new RegExp(`^Signed in at ${server} as ${alice.username}, until 20\\S+Z\\. `));
  expect(login.stderr).toContain(`${server}/auth/login?name=login+on+laptop`);
  const secret = secretIn(kept());
  expect(kept()).toBe(
    `[mlflow-auth-client]\nserver = ${server}\n[mlflow]\nmlflow_tracking_username = ${alice.username}\nmlflow_tracking_password = ${secret}\n`,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  for (const said of [login.stdout, login.stderr]) {
    expect(said).not.toContain(secret);
  }
  expect(await tokens()).toMatchObject([{ name: 'login on laptop', scope: null }]);
  const who = await run(['whoami'], { MLFLOW_TRACKING_URI: server }, { home });
  expect(who).toMatchObject({ code: 0, stderr: '' });
  expect(who.stdout).toContain(alice.username);

  const logout = await type('logout');
  expect(logout).toMatchObject({ code: 0, stderr: '' });
  expect(logout.stdout).toContain(`the token is deleted at ${server}`);
  expect(kept()).toBe('');
  expect(await tokens()).toEqual([]);
  expect((await byToken(gateway.url, secret).get(`/mlflow${WHO}`)).status).toBe(401);
  expect(await type('logout')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('You are not signed in'),
  });
});

test('all other lines of the file stay, a link stays one, and what others could read they can no longer', async () => {
  const elsewhere = join(home, 'elsewhere');
  mkdirSync(dirname(file));
  writeFileSync(elsewhere, '# mine\n[mlflow]\nmlflow_tracking_username = bob\nx = 1\n\n[tool]\ny = 2\n');
  chmodSync(elsewhere, 0o644);
  symlinkSync(elsewhere, file);
  expect((await type('login', { env: { MLFLOW_TRACKING_URI: server } })).code).toBe(0);
  expect(kept()).toContain('# mine\n[mlflow]\n');
  expect(kept()).toContain('x = 1\n\n[tool]\ny = 2\n');
  expect(kept()).not.toContain('bob');
  expect(readFileSync(elsewhere, 'utf8')).toBe(kept());
  expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
  expect((await type('logout')).code).toBe(0);
  expect(kept()).toBe('# mine\n[mlflow]\nx = 1\n\n[tool]\ny = 2\n');
});

test('a login after another leaves one token', async () => {
  await type(`login --server ${server}`);
  const first = secretIn(kept());
  await type(`login --server ${server} --name again --days 1`);
  expect(secretIn(kept())).not.toBe(first);
  const [token, ...others] = await tokens();
  expect([token.name, token.expires_at - token.created_at, others]).toEqual(['again', 86_400_000, []]);
  expect((await byToken(gateway.url, first).get(`/mlflow${WHO}`)).status).toBe(401);
});

test('--print prints the token alone, and keeps it nowhere; in JSON too', async () => {
  const printed = await type(`login --print --server ${server}`);
  expect(printed.stdout).toMatch(/^mlag_\w+\n$/);
  expect((await byToken(gateway.url, printed.stdout.trim()).get(`/mlflow${WHO}`)).status).toBe(200);
  expect(() => kept()).toThrow();
  const json = JSON.parse((await type(`login --print --server ${server} --to-json`)).stdout);
  expect(json).toMatchObject({
    server,
    token: { username: alice.username },
    secret: expect.stringMatching(/^mlag_/),
  });
  const quiet = JSON.parse((await type(`login --server ${server} --to-json`)).stdout);
  expect(Object.keys(quiet)).toEqual(['server', 'token']);
});

test.each(['--no-browser', '--no_browser'])('%s takes the code that the page shows', async (flag) => {
  const stdin = new Readable({ read() {} });
  /** Allows it where the address is shown, and types the code. */
  async function carryOver(said: string): Promise<void> {
    const [address] = /http\S+/.exec(said) ?? [];
    if (address !== undefined) {
      const { pathname, search } = new URL(address);
      const page = await jar.submit(pathname + search, { answer: 'yes' });
      const [, code = ''] = /<code class="whole">([\w-]+)</.exec(page.text) ?? [];
      stdin.push(` ${code}\n`);
      stdin.push(null);
    }
  }
  const seen: string[] = [];
  const stderr = new Writable({
    write(chunk, _encoding, done) {
      seen.push(String(chunk));
      carryOver(String(chunk)).then(() => done(), done);
    },
  });
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const code = await runClient(
    ['login', flag, '--server', server],
    {
      ...{ env: {}, cwd: home, home, stdin, stdout, stderr },
      ...{ clock: Date.now, random: randomBytes, version: '0' },
    },
    {
      ...{ timeoutMs: 10_000, pollMs: 1, waitMs: 10_000, machine: 'laptop' },
      openBrowser: () => seen.push('a browser opens'),
    },
  );
  expect(code).toBe(0);
  expect(seen.join('')).toContain(`${server}/auth/login?`);
  expect(seen.join('')).not.toMatch(/redirect_uri|a browser opens/);
  expect(kept()).toContain(alice.username);
});

describe('where it does not come to that', () => {
  test('who cancels changes nothing', async () => {
    const { code, stderr, shown } = await type(`login --server ${server}`, { said: 'no' });
    expect([code, shown]).toEqual([1, ['Nothing was allowed. You may close this window.']]);
    expect(stderr).toContain('nothing was changed');
    expect(() => kept()).toThrow();
  });

  test('nobody is waited for without end', async () => {
    const { code, stderr } = await type(`login --server ${server}`, {
      waitMs: 50,
      open: async () => undefined,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('--no-browser');
  });

  test('what comes without the state of this command is told nothing, and does not end it', async () => {
    const tried: unknown[] = [];
    const { code } = await type(`login --server ${server}`, {
      async open(address) {
        const back = new URL(address).searchParams.get('redirect_uri') ?? '';
        const state = new URL(address).searchParams.get('state') ?? '';
        for (const [to, options] of [
          [`${back}?code=x&state=${'A'.repeat(22)}`, {}],
          [`${back}?code=x`, {}],
          [`${back}?error=access_denied`, {}],
          [`${back.replace('signed-in', '')}?code=x&state=${state}`, {}],
          [`${back}?code=x&state=${state}`, { method: 'POST' as const }],
          // As a page of another site would come, by a name of its own for this machine.
          [`${back}?code=x&state=${state}`, { headers: { host: 'evil.example' } }],
        ] as const) {
          tried.push((await request(to, options)).statusCode);
        }
        return answer(address, 'yes');
      },
    });
    expect([code, new Set(tried)]).toEqual([0, new Set([404])]);
  });

  test('a code that will not do is said at the terminal and in the browser', async () => {
    const { code, stderr, shown } = await type(`login --server ${server}`, {
      async open(address) {
        const { searchParams } = new URL(address);
        const to = `${searchParams.get('redirect_uri')}?code=made-up&state=${searchParams.get('state')}`;
        return (await request(to)).body.text();
      },
    });
    expect([code, shown]).toEqual([1, ['That did not work. The terminal says why.']]);
    expect(stderr).toContain('mlflow-auth-client login again');
  });

  test('a file that cannot be read is said before anything is asked; one that cannot be written leaves no token behind', async () => {
    mkdirSync(dirname(file));
    writeFileSync(file, 'no section = here\n');
    const unread = await type(`login --server ${server}`);
    expect([unread.code, unread.shown]).toEqual([2, []]);
    mkdirSync(join(home, 'other'));
    const other = join(home, 'other');
    writeFileSync(join(other, '.mlflow'), 'a file where a directory belongs');
    const opened: Promise<unknown>[] = [];
    const unwritten = await run(
      ['login', '--server', server],
      {},
      {
        home: other,
        openBrowser: (address) => void opened.push(answer(address, 'yes')),
      },
    );
    await Promise.all(opened);
    expect(unwritten.code).toBe(2);
    expect(unwritten.stderr).toContain('~/.mlflow/credentials');
    expect(await tokens()).toEqual([]);
  });

  test('what counts before the file is named', async () => {
    const env = {
      MLFLOW_TRACKING_USERNAME: 'bob',
      MLFLOW_TRACKING_PASSWORD: 'wrong',
      MLFLOW_TRACKING_URI: server,
    };
    const { code, stderr } = await type('login', { env });
    expect(code).toBe(0);
    expect(stderr).toContain('unset MLFLOW_TRACKING_USERNAME');
    expect(stderr).toContain('unset MLFLOW_TRACKING_PASSWORD');
    expect(stderr).not.toContain('wrong');
  });

  test('logout takes a token that has ended out of the file, leaves a password in it, and sends either to its gateway alone', async () => {
    await type(`login --server ${server}`);
    const [{ token_id }] = await tokens();
    await admin.delete('/mlflow/api/2.0/mlflow/users/tokens/delete', { token_id });
    const env = { MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' };
    expect((await type('logout', { env })).stdout).toContain(`had ended already at ${server}`);
    expect(kept()).toBe('');
    const own = '[mlflow]\nmlflow_tracking_username = alice\nmlflow_tracking_password = a long password\n';
    writeFileSync(file, own);
    expect((await type(`logout --server ${server}`)).code).toBe(2);
    expect(kept()).toBe(own);
  });

  test('a gateway that does not answer keeps the token in the file', async () => {
    await type(`login --server ${server}`);
    const before = kept();
    expect((await type('logout --server http://127.0.0.1:9')).code).toBe(1);
    expect(kept()).toBe(before);
    expect((await type('login --server ftp://x')).code).toBe(2);
    expect((await type(`login --days x --server ${server}`)).code).toBe(2);
    expect((await type('login')).stderr).toContain('MLFLOW_TRACKING_URI');
  });
});

test('who is signed in elsewhere signs nobody else in', async () => {
  const bob = await gateway.person('bob');
  const theirs = await signInByPage(
    {
      anonymous: {
        ...gateway.anonymous,
        send: (method, target, sent) => gateway.anonymous.send(method, `/mlflow${target}`, sent),
      },
    },
    bob,
  );
  expect(theirs.session).toBeDefined();
  await type(`login --server ${server}`);
  expect(kept()).toContain(alice.username);
  expect(kept()).not.toContain(bob.username);
});
