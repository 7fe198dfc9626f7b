import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readMoment } from '../../../src/cli/client/read-moment.ts';
import { ADMIN } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { type Answer, type Asked, type FakeServer, startFake } from './fake-server.ts';
import { type Ran, run } from './run.ts';

describe('of a gateway', () => {
  const { gateway, alice } = useGateway({ fake: true, people: ['alice'] });

  beforeAll(async () => {
    const { username } = alice;
    for (const permission of ['READ', 'EDIT']) {
      const path = `/api/2.0/mlflow/experiments/permissions/${permission === 'READ' ? 'create' : 'update'}`;
      const sent = { experiment_id: '7', username, permission };
      await gateway.admin.send(permission === 'READ' ? 'POST' : 'PATCH', path, { json: sent });
    }
    await alice.send('DELETE', '/api/2.0/mlflow/experiments/permissions/delete', {
      json: { experiment_id: '8', username },
      headers: { 'x-request-id': 'refused-1' },
    });
    await gateway.as('=1+1', 'a wrong password').get('/api/2.0/mlflow/experiments/get?experiment_id=1');
    await vi.waitFor(
      async () => expect((await audit('--allowed', 'False')).stdout.split('\n')).toHaveLength(4),
      { timeout: 3000 },
    );
  });

  const audit = (...argv: string[]): Promise<Ran> => as(ADMIN, ...argv);
  const as = (who: { readonly username: string; readonly password: string }, ...argv: string[]) =>
    run(['audit', ...argv], {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: who.username,
      MLFLOW_TRACKING_PASSWORD: who.password,
    });
  const lines = async (...argv: string[]) =>
    (await audit('--json', ...argv)).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  test('a table, newest first, that tells a change by what is different', async () => {
    const { stdout, stderr, code } = await audit('--resource-type', 'experiment', '--resource-id', '7');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const [headings, ...rows] = stdout.trimEnd().split('\n');
    expect(headings).toMatch(/^TIME +USER +ACTION +ON +ALLOWED +FROM +WHY +REQUEST$/);
    expect(rows).toEqual([
      expect.stringMatching(
        / admin +grant +experiment 7, user alice-\S+ +yes +password 127\.0\.0\.1 +permission: READ → EDIT /,
      ),
      expect.stringMatching(/ admin +grant +experiment 7, user alice-\S+ +yes .* new: username alice-/),
    ]);
  });

  test('what was refused, by its request', async () => {
    const { stdout } = await audit('--request', 'refused-1', '--action', 'manage');
    expect(stdout).toMatch(
      / no +password 127\.0\.0\.1 +needs MANAGE on experiment 8; no grant; .* refused-1\n/,
    );
  });

  test('JSON is every entry, one a line, and as many as are asked for', async () => {
    const all = await lines();
    expect(all.length).toBeGreaterThan(5);
    expect(await lines('--limit', '2')).toEqual(all.slice(0, 2));
    expect(await lines('--user', alice.username, '--allowed', 'False')).toEqual(
      all.filter(({ username, allowed }) => username === alice.username && !allowed),
    );
    expect(await lines('--since', '1970-01-02', '--action', 'grant')).toHaveLength(2);
    expect((await audit('--json', '--until', '1970-01-02')).stdout).toBe('');
  });

  test('CSV has no cell that starts a formula', async () => {
    const { stdout } = await audit('--csv', '--action', 'sign_in', '--allowed', 'False');
    expect(stdout).toMatch(/^entry_id,time,.*\r\n.*,'=1\+1,/);
  });

  test('nothing of that', async () => {
    expect(await audit('--user', 'nobody')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'mlflow-auth-client: Nothing of that is in the audit log.\n',
    });
  });

  test('is for admins', async () => {
    for (const format of [[], ['--json'], ['--csv'], ['--follow']]) {
      const { code, stdout, stderr } = await as(alice, ...format);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /^mlflow-auth-client: Permission denied\. Only an admin may do this\. Request id: /,
      );
    }
  });

  test.each([
    [['--limit', '0'], '--limit is a number'],
    [['--since', 'yesterday'], '--since is how long ago'],
    [['--csv', '--json'], '--csv goes with'],
    [['--csv', '--follow'], '--csv goes with'],
    [['--csv', '--limit', '3'], '--limit does not go with --csv'],
    [['--experiment', '7', '--model', 'churn'], 'Give only one of'],
    [['--allowed', 'perhaps'], 'True|False is one of'],
  ])('%s cannot be used', async (argv, message) => {
    const { code, stdout, stderr } = await audit(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message.replace('True|False', 'allowed'));
  });
});

describe('following', () => {
  let server: FakeServer;
  afterEach(() => server.stop());

  const entry = (id: string, at: number) => ({
    entry_id: id,
    at,
    action: 'delete',
    allowed: true,
    because: id,
  });
  const SEARCH = 'GET /api/2.0/mlflow/audit/search';

  /** Answers one after the other, the last of which ends it. */
  async function following(...answers: Answer[]): Promise<Ran & { readonly asked: readonly Asked[] }> {
    const left = [...answers, [401, { error_code: 'UNAUTHENTICATED', message: 'No.' }] as Answer];
    server = await startFake({ [SEARCH]: () => left.shift() ?? [500, {}] });
    const ran = await run(['audit', '--follow', '--json'], {
      MLFLOW_TRACKING_URI: server.uri,
      MLFLOW_TRACKING_USERNAME: 'admin',
      MLFLOW_TRACKING_PASSWORD: 'x',
    });
    return { ...ran, asked: server.asked };
  }
  const shown = ({ stdout }: Ran) => [...stdout.matchAll(/"because":"(\w+)"/g)].map(([, id]) => id);

  test('shows what is new once, oldest first, also what came late', async () => {
    const ran = await following(
      [200, { entries: [entry('b', 20_000), entry('a', 10_000)] }],
      [200, { entries: [entry('b', 20_000)] }],
      [200, { entries: [entry('d', 21_000), entry('b', 20_000), entry('c', 19_000)] }],
    );
    expect(shown(ran)).toEqual(['a', 'b', 'c', 'd']);
    expect(ran.asked.map(({ target }) => new URLSearchParams(target?.split('?')[1]).get('since'))).toEqual([
      null,
      '10000',
      '10000',
      '11000',
    ]);
  });

  test('more than a page of new ones', async () => {
    const ran = await following(
      [200, { entries: [entry('a', 1_000)] }],
      [200, { entries: [entry('c', 3_000)], next_page_token: 'next' }],
      [200, { entries: [entry('b', 2_000), entry('a', 1_000)] }],
    );
    expect(shown(ran)).toEqual(['a', 'b', 'c']);
  });

  test('goes on when the server is back, and says so once', async () => {
    const ran = await following(
      [200, { entries: [entry('a', 1_000)] }],
      [503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'Away.' }],
      [503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'Away.' }],
      [200, { entries: [entry('b', 2_000)] }],
    );
    expect(shown(ran)).toEqual(['a', 'b']);
    expect(ran.stderr.match(/away/g)).toHaveLength(1);
    expect(ran.code).toBe(1);
  });
});

describe('a moment', () => {
  const NOW = Date.UTC(2026, 10, 29, 12);
  test.each([
    ['2d', NOW - 2 * 86_400_000],
    ['12h', NOW - 12 * 3_600_000],
    ['30m', NOW - 30 * 60_000],
    ['1w', NOW - 7 * 86_400_000],
    ['5s', NOW - 5_000],
    ['2026-11-28T08:00Z', Date.UTC(2026, 10, 28, 8)],
    ['2026-11-28T08:00:01.5+02:00', Date.UTC(2026, 10, 28, 6, 0, 1, 500)],
    ['2026-11-28', new Date(2026, 10, 28).getTime()],
    ['2026-11-28 08:00', new Date(2026, 10, 28, 8).getTime()],
    ['1767225600000', 1_767_225_600_000],
  ])('%s', (text, expected) => expect(readMoment('--since', text, NOW)).toBe(expected));

  test.each(['', '2', '2y', '-2d', '2026-13-01', '28.11.2026', 'now', '1e12'])('no moment: "%s"', (text) => {
    expect(() => readMoment('--since', text, NOW)).toThrow('--since is how long ago');
  });
});
