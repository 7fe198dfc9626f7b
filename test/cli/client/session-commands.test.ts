import { expect, onTestFinished, test } from 'vitest';
import { startFake } from './fake-server.ts';
import { run } from './run.ts';

const ID = '019acf2c-56e4-7f0a-8a3b-6c2d1e4f5a6b';
const SESSION = {
  session_id: ID,
  username: 'alice',
  created_at: 1_796_000_000_000,
  last_used_at: 1_796_000_030_000,
  expires_at: 1_796_000_060_000,
  ip: '192.0.2.1',
  user_agent: 'Mozilla/5.0 (\u001b[31mred) \n',
  is_current: false,
};

const SESSIONS = '/api/2.0/mlflow/users/sessions';

async function type(line: string, sessions: readonly object[] = [SESSION]) {
  const server = await startFake({
    [`GET ${SESSIONS}/list`]: [200, { sessions }],
    [`DELETE ${SESSIONS}/delete`]: [200, {}],
  });
  onTestFinished(() => server.stop());
  const env = {
    MLFLOW_TRACKING_URI: server.uri,
    ...{ MLFLOW_TRACKING_USERNAME: 'alice', MLFLOW_TRACKING_PASSWORD: 'a password' },
  };
  return { ...(await run(line.split(' '), env)), asked: server.asked };
}

test('sessions are listed with when and where, and nothing that a browser says of itself acts on the terminal', async () => {
  const { stdout, asked } = await type('list-sessions --user alice');
  expect(stdout).toContain(ID);
  expect(stdout).toMatch(
    /alice\s+192\.0\.2\.1\s+2026-11-\d\dT\S+Z\s+2026-11-\d\dT\S+Z\s+2026-11-\d\dT\S+Z\s+Mozilla/,
  );
  expect(stdout).not.toContain('\u001b');
  expect(asked.map(({ target }) => target)).toEqual([`${SESSIONS}/list?username=alice`]);
});

test('an empty list says why', async () => {
  expect((await type('list-sessions', [])).stderr).toContain('There are no sessions');
});

test('a session is ended by its id', async () => {
  const { stdout, asked } = await type(`delete-session ${ID}`);
  expect(stdout).toContain(`Ended session ${ID}.`);
  expect(asked.map(({ method, body }) => [method, body])).toEqual([['DELETE', { session_id: ID }]]);
});
