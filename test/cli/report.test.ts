import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { report } from '../../src/cli/report.ts';
import { shellWord } from '../../src/cli/shell-word.ts';
import type { AuditEntry } from '../../src/store/audit/index.ts';
import { timeOrderedId } from '../../src/time-ordered-id.ts';
import { addUser, open, temporaryUri } from '../store/temporary.ts';
import { ran } from './io.ts';

const AT = Date.UTC(2026, 10, 29);

function passed(username: string, because: string, about: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: timeOrderedId(AT),
    at: AT,
    requestId: null,
    username,
    credential: null,
    ip: null,
    method: 'POST',
    path: '/',
    operation: 'POST 2.0 runs/create',
    action: 'update',
    resources: [{ type: 'experiment', id: '12' }],
    allowed: false,
    enforced: false,
    because,
    status: 200,
    durationMs: 1,
    change: null,
    ...about,
  };
}

test('by user and thing, with the grants that would allow it, as a script', async () => {
  const databaseUri = temporaryUri();
  const store = await open(databaseUri);
  const [alice, bob] = [await addUser(store, 'alice'), await addUser(store, "bo'b")];
  const odd = "a; $(reboot) 'model'";
  await store.grants.create(alice.id, 'experiment', '12', 'READ');
  await store.grants.create(bob.id, 'experiment', '12', 'DENY');
  await store.grants.create(bob.id, 'experiment', '7', 'EDIT');
  await store.audit.add([
    passed('alice', 'needs EDIT on experiment 12; user holds READ'),
    passed('alice', 'needs EDIT on experiment 12; user holds READ', { operation: 'POST 2.0 runs/log-batch' }),
    passed('alice', `needs READ on registered_model ${odd}; no grant; default_permission is NO_PERMISSIONS`, {
      resources: [{ type: 'registered_model', id: odd }],
    }),
    passed('alice', 'needs EDIT on run *; role x holds READ', { resources: [{ type: 'run', id: 'a' }] }),
    passed('alice', 'no row of the table matches'),
    passed('alice', 'needs EDIT on experiment 9; enforced', { enforced: true }),
    passed("bo'b", 'needs EDIT on experiment 12; user holds DENY'),
    passed("bo'b", 'needs EDIT on experiment 7; no grant', { resources: [{ type: 'experiment', id: '7' }] }),
    passed('gone', 'needs EDIT on experiment 12; no grant'),
  ]);
  const { code, stdout, stderr } = await ran((io) => report({}, io), {
    databaseUri,
    env: { MLFLOW_AUTH_ENFORCEMENT: 'report' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(
    [
      '# alice',
      '#   EDIT on experiment 12: 2 requests, last 2026-11-29T00:00:00Z (POST 2.0 runs/log-batch, POST 2.0 runs/create)',
      'mlflow-auth-client revoke alice experiment 12',
      'mlflow-auth-client grant alice experiment 12 EDIT',
      `#   READ on registered_model ${odd}: 1 request, last 2026-11-29T00:00:00Z (POST 2.0 runs/create)`,
      `mlflow-auth-client grant alice registered_model 'a; $(reboot) '\\''model'\\''' READ`,
      '#   EDIT on run *: 1 request, last 2026-11-29T00:00:00Z (POST 2.0 runs/create)',
      "mlflow-auth-client grant alice run '*' EDIT",
      '#   no row of the table matches: 1 request, last 2026-11-29T00:00:00Z (POST 2.0 runs/create)',
      '#   no grant allows that: an admin may do it, or the client is to ask differently',
      '',
      "# bo'b",
      '#   EDIT on experiment 12: 1 request, last 2026-11-29T00:00:00Z (POST 2.0 runs/create)',
      '#   the user holds DENY on experiment 12: that refuses it whatever else is granted',
      '',
      '# gone',
      '#   EDIT on experiment 12: 1 request, last 2026-11-29T00:00:00Z (POST 2.0 runs/create)',
      '# there is no such user any more',
      '',
      '',
    ].join('\n'),
  );
});

test('nothing', async () => {
  const databaseUri = temporaryUri();
  await open(databaseUri);
  const { stdout } = await ran((io) => report({}, io), { databaseUri });
  expect(stdout).toBe(
    'Permissions are enforced by these settings (enforcement = enforce).\n\n# Nothing would be refused of what was asked, by what is granted now.\n',
  );
});

test.each(['plain-1', '', "it's", '$(x) `y` "z" ;&|\n*', '\\', '~', 'ü'])(
  'a shell reads %j as it is',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  },
);
