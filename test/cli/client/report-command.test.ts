import { expect, onTestFinished, test } from 'vitest';
import { startFake } from './fake-server.ts';
import { run } from './run.ts';

const GRANTABLE = {
  username: 'alice',
  need: { resource_type: 'experiment', resource_id: '12', permission: 'EDIT' },
  because: 'needs EDIT on experiment 12; user holds READ',
  requests: 3,
  last_at: 1_796_000_000_000,
  operations: ['POST 2.0 runs/create'],
  advice: 'grant',
  holds: 'READ',
  replaces: 'READ',
  refused_by: null,
};
const REFUSED = {
  ...GRANTABLE,
  ...{ username: 'bob', advice: 'refused', holds: null, replaces: null },
  refused_by: { resource_type: 'experiment', resource_id: '*', role: 'guests', permission: 'DENY' },
};
const NONE = {
  ...GRANTABLE,
  need: null,
  because: 'no row of the table matches',
  advice: 'none',
  holds: null,
};

async function type(line: string, refusals: readonly object[]) {
  const server = await startFake({
    'GET /api/2.0/mlflow/permissions/report': [200, { enforcement: 'report', refusals }],
  });
  onTestFinished(() => server.stop());
  const env = {
    MLFLOW_TRACKING_URI: server.uri,
    ...{ MLFLOW_TRACKING_USERNAME: 'admin', MLFLOW_TRACKING_PASSWORD: 'a password' },
  };
  return { ...(await run(line.split(' '), env)), asked: server.asked };
}

test('what would be refused is listed with what would allow it', async () => {
  const { stdout, asked } = await type('report --user alice', [GRANTABLE, REFUSED, NONE]);
  expect(stdout).toMatch(/alice\s+EDIT on experiment 12\s+3\s+2026-11-\S+Z\s+READ\s+grant/);
  expect(stdout).toMatch(/bob .* role guests holds DENY on experiment \*/);
  expect(stdout).toMatch(/no row of the table matches .* none/);
  expect(asked.map(({ target }) => target)).toEqual(['/api/2.0/mlflow/permissions/report?username=alice']);
});

test('an empty list says why', async () => {
  expect((await type('report', [])).stderr).toContain('Nothing would be refused of what was asked');
});
