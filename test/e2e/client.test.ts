import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { openShell, type Shell, type Typed } from '../support/shell.ts';
import { typeOnTerminal } from '../support/terminal.ts';
import { useGateway } from '../support/use-gateway.ts';

const CURRENT = '/api/2.0/mlflow/users/current';
const DONE = { code: 0, stderr: '' };

/** The objects of an answer in JSON, one a line. */
function objectsOf({ code, stdout, stderr }: Typed): readonly Record<string, unknown>[] {
  expect({ code, stderr }).toEqual(DONE);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe.each(MLFLOW_VERSIONS)('mlflow-auth-client in front of MLflow %s', (version) => {
  let shell: Shell;
  const type = (line: string, stdin = '', env = {}) => shell.type(line, { stdin, env });
  const json = async (line: string) => objectsOf(await type(line));

  const { gateway } = useGateway({ version });
  beforeAll(async () => {
    shell = openShell({
      // With the slash at its end that the old README has.
      MLFLOW_TRACKING_URI: `${gateway.url}/`,
      MLFLOW_TRACKING_USERNAME: gateway.admin.username,
      MLFLOW_TRACKING_PASSWORD: gateway.admin.password,
    });
  });
  afterAll(() => shell.close());

  const asWritten = (line: string) => line;
  const asPython = (line: string) =>
    line
      .replace(
        /^mlflow-auth-client \S+/,
        (name) => `mlflow-auth-client ${name.slice(19).replaceAll('-', '_')}`,
      )
      .replace(/to-json$/, 'to_json');

  // A password among the arguments is warned of.
  const WARNED = { code: 0, stderr: expect.stringMatching(/^mlflow-auth-client: warning: .*\n$/) };

  describe.each([
    ['as it is written', asWritten, 'alice', 'ann'],
    ['with _ for -', asPython, 'bob', 'ben'],
  ])('every line of the old README works, %s', (_, spelt, one, two) => {
    let experiment: string;
    const typeSpelt = (line: string) => type(spelt(line));
    const held = async () => (await json(`mlflow-auth-client get-user ${one} to-json`))[0];

    beforeAll(async () => {
      experiment = await createExperiment(gateway.admin);
    });

    test('users are created, with and without to-json', async () => {
      const created = await typeSpelt(`mlflow-auth-client create-user ${one} '${one} has a password'`);
      expect(created).toMatchObject(WARNED);
      expect(created.stdout).toMatch(new RegExp(`^ID +NAME +ADMIN\\n\\d+ +${one} +no\\n$`));
      const again = await typeSpelt(`mlflow-auth-client create-user ${two} '${two} has a password' to-json`);
      expect(again).toMatchObject(WARNED);
      expect(JSON.parse(again.stdout)).toEqual({
        id: expect.any(Number),
        username: two,
        is_admin: false,
        is_active: true,
        is_service: false,
        must_change_password: false,
        created_at: expect.any(Number),
        created_by: 'admin',
        experiment_permissions: [],
        registered_model_permissions: [],
        scorer_permissions: [],
      });
      expect((await gateway.as(one, `${one} has a password`).get(CURRENT)).status).toBe(200);
    });

    test('users are listed, one object a line', async () => {
      const users = objectsOf(await typeSpelt('mlflow-auth-client list-users --to-json'));
      expect(users.map(({ username }) => username)).toEqual(expect.arrayContaining(['admin', one, two]));
    });

    test('a user is shown, with and without to-json', async () => {
      const table = await typeSpelt(`mlflow-auth-client get-user ${one}`);
      expect(table).toMatchObject(DONE);
      expect(table.stdout).toMatch(new RegExp(`^\\d+ +${one} +no$`, 'm'));
      const [user] = objectsOf(await typeSpelt(`mlflow-auth-client get-user ${one} to-json`));
      expect(user).toMatchObject({ username: one, is_admin: false });
    });

    test('a user becomes an admin, and no longer is one', async () => {
      expect(await typeSpelt(`mlflow-auth-client update-user-admin ${one} True`)).toMatchObject(DONE);
      expect(await held()).toMatchObject({ is_admin: true });
      expect(await typeSpelt(`mlflow-auth-client update-user-admin ${one} False`)).toMatchObject(DONE);
      expect(await held()).toMatchObject({ is_admin: false });
    });

    test('a password is changed', async () => {
      const line = `mlflow-auth-client update-user-password ${one} '${one} has another'`;
      expect(await typeSpelt(line)).toMatchObject(WARNED);
      expect((await gateway.as(one, `${one} has a password`).get(CURRENT)).status).toBe(401);
      expect((await gateway.as(one, `${one} has another`).get(CURRENT)).status).toBe(200);
    });

    test('a permission is given, changed and taken away', async () => {
      const hers = () =>
        gateway
          .as(one, `${one} has another`)
          .get(`/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`)
          .then(({ status }) => status);
      expect(await hers()).toBe(403);
      const given = await typeSpelt(
        `mlflow-auth-client create-experiment-permission ${experiment} ${one} EDIT`,
      );
      expect(given).toMatchObject(DONE);
      expect(given.stdout).toMatch(new RegExp(`^${experiment} +\\d+ +EDIT$`, 'm'));
      expect(await hers()).toBe(200);
      const [also] = objectsOf(
        await typeSpelt(
          `mlflow-auth-client create-experiment-permission ${experiment} ${two} MANAGE to-json`,
        ),
      );
      expect(also).toEqual({ experiment_id: experiment, user_id: expect.any(Number), permission: 'MANAGE' });
      const changed = `mlflow-auth-client update-experiment-permission ${experiment} ${one} MANAGE`;
      expect(await typeSpelt(changed)).toMatchObject(DONE);
      expect(await held()).toMatchObject({
        experiment_permissions: [{ experiment_id: experiment, permission: 'MANAGE' }],
      });
      const taken = `mlflow-auth-client delete-experiment-permission ${experiment} ${one}`;
      expect(await typeSpelt(taken)).toMatchObject(DONE);
      expect(await hers()).toBe(403);
    });

    test('users are deleted, whatever they still hold', async () => {
      for (const name of [one, two]) {
        expect(await typeSpelt(`mlflow-auth-client delete-user ${name}`)).toMatchObject(DONE);
      }
      expect((await json('mlflow-auth-client list-users to-json')).map(({ username }) => username)).toEqual([
        'admin',
      ]);
    });
  });

  test('users by flags, as a script of another README names them', async () => {
    const created = await type('mlflow-auth-client create-user --username newuser --password newpassword123');
    expect(created).toMatchObject(WARNED);
    expect((await gateway.as('newuser', 'newpassword123').get(CURRENT)).status).toBe(200);
    expect(await type('mlflow-auth-client delete-user --username newuser')).toMatchObject(DONE);
    expect((await gateway.as('newuser', 'newpassword123').get(CURRENT)).status).toBe(401);
  });

  test('models, grants of any type and roles', async () => {
    const carol = await gateway.person('carol');
    const name = carol.username;
    const model = unique('churn');
    await gateway.admin.post('/api/2.0/mlflow/registered-models/create', { name: model });
    const done = async (line: string) => expect(await type(`mlflow-auth-client ${line}`)).toMatchObject(DONE);

    await done(`create-registered-model-permission ${model} ${name} READ`);
    await done(`update-registered-model-permission ${model} ${name} EDIT`);
    expect(await json(`mlflow-auth-client get-registered-model-permission ${model} ${name} to-json`)).toEqual(
      [{ name: model, user_id: expect.any(Number), permission: 'EDIT' }],
    );
    // Nothing is granted on what is not there without a word.
    expect(await type(`mlflow-auth-client grant ${name} scorer 1/judge USE`)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^mlflow-auth-client: warning: There is no scorer "1\/judge"\. .*\n$/),
    });
    const [role] = await json("mlflow-auth-client create-role readers --description 'May read' to-json");
    expect(role).toMatchObject({ name: 'readers', description: 'May read', workspace: 'default' });
    await done("grant-role readers registered-model '*' READ");
    await done(`assign-role ${name} readers`);

    const all = [
      ['registered_model', model, 'EDIT'],
      ['scorer', '1/judge', 'USE'],
      ['registered_model', '*', 'READ'],
    ];
    const brief = (rows: readonly Record<string, unknown>[]) =>
      rows.map(({ resource_type, resource_pattern, permission }) => [
        resource_type,
        resource_pattern,
        permission,
      ]);
    expect(brief(await json(`mlflow-auth-client list-permissions --user ${name} to-json`))).toEqual(all);
    const own = { MLFLOW_TRACKING_USERNAME: name, MLFLOW_TRACKING_PASSWORD: carol.password };
    expect(brief(objectsOf(await type('mlflow-auth-client list-permissions to-json', '', own)))).toEqual(all);
    expect(await json(`mlflow-auth-client list-permissions --model ${model} to-json`)).toEqual([
      // Who created it.
      expect.objectContaining({ username: 'admin', permission: 'MANAGE', resource_pattern: model }),
      expect.objectContaining({ username: name, permission: 'EDIT', resource_pattern: model }),
      expect.objectContaining({ username: name, permission: 'READ', role_name: 'readers' }),
    ]);
    expect(await json('mlflow-auth-client list-role-users readers to-json')).toEqual([
      expect.objectContaining({ username: name }),
    ]);
    expect(await json(`mlflow-auth-client list-user-roles ${name} to-json`)).toMatchObject([
      { name: 'readers' },
    ]);
    expect(await json('mlflow-auth-client get-role readers to-json')).toMatchObject([
      { permissions: [{ resource_type: 'registered_model', resource_pattern: '*', permission: 'READ' }] },
    ]);

    await done('update-role readers --name viewers');
    expect(await json('mlflow-auth-client list-roles to-json')).toMatchObject([{ name: 'viewers' }]);
    await done("revoke-role viewers registered_model '*'");
    await done(`unassign-role ${name} viewers`);
    await done('delete-role viewers');
    await done(`revoke ${name} scorer 1/judge`);
    await done(`delete-registered-model-permission ${model} ${name}`);
    expect(await json(`mlflow-auth-client list-permissions --user ${name} to-json`)).toEqual([]);
  });

  test('a name in place of an experiment’s id gives nothing and names the id; an id of none is warned of', async () => {
    const name = (await gateway.person('ines')).username;
    const list = `mlflow-auth-client list-permissions --user ${name} to-json`;
    for (const line of [
      `create-experiment-permission Default ${name} EDIT`,
      `grant ${name} experiment Default EDIT`,
    ]) {
      expect(await type(`mlflow-auth-client ${line}`)).toEqual({
        code: 2,
        stdout: '',
        stderr:
          'mlflow-auth-client: "Default" is a name where an id belongs: the experiment of that name has the id 0. Nothing was changed.\n',
      });
    }
    expect(await json(list)).toEqual([]);
    const warned = await type(`mlflow-auth-client grant ${name} experiment 987654321 READ`);
    expect(warned).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('There is no experiment "987654321".'),
    });
    expect(await json(list)).toHaveLength(1);
  });

  test('whoami, to people and in JSON', async () => {
    const table = await type('mlflow-auth-client whoami');
    expect(table).toMatchObject({ ...DONE, stdout: 'ID  NAME   ADMIN\n1   admin  yes\n' });
    expect(await json('mlflow-auth-client whoami to-json')).toEqual([
      {
        id: 1,
        username: 'admin',
        is_admin: true,
        is_active: true,
        is_service: false,
        must_change_password: false,
        has_password: true,
        providers: [],
      },
    ]);
  });

  test('who manages an experiment shares it, and sees what others hold only as an admin', async () => {
    const dora = await gateway.person('dora');
    const erik = await gateway.person('erik');
    const experiment = await createExperiment(dora);
    const own = { MLFLOW_TRACKING_USERNAME: dora.username, MLFLOW_TRACKING_PASSWORD: dora.password };
    const share = `mlflow-auth-client create-experiment-permission ${experiment} ${erik.username} READ`;
    expect(await type(share, '', own)).toMatchObject(DONE);
    const list = `mlflow-auth-client list-permissions --experiment ${experiment}`;
    expect(await type(list, '', own)).toMatchObject({ code: 1, stdout: '' });
    expect((await json(`${list} to-json`)).map(({ username }) => username)).toEqual([
      dora.username,
      erik.username,
    ]);
  });

  describe('a password', () => {
    test('comes from standard input', async () => {
      expect(await type('mlflow-auth-client create-user fred', 'fred has a password\n')).toMatchObject(DONE);
      const changed = "printf 'fred has another one' | mlflow-auth-client update-user-password fred -";
      expect(await type(changed)).toMatchObject(DONE);
      expect((await gateway.as('fred', 'fred has another one').get(CURRENT)).status).toBe(200);
    });

    test('is asked for on a terminal, twice, and not shown', async () => {
      const typed = await typeOnTerminal(
        ['mlflow-auth-client', 'create-user', 'gina'],
        [
          ['New password for gina: ', 'gina has a password\r'],
          ['New password for gina again: ', 'gina has a password\r'],
        ],
        shell.env,
      );
      expect(typed.code).toBe(0);
      expect(typed.shown).toMatch(
        /^New password for gina: \r\nNew password for gina again: \r\nID +NAME +ADMIN\r\n\d+ +gina +no\r\n$/,
      );
      expect((await gateway.as('gina', 'gina has a password').get(CURRENT)).status).toBe(200);
    });

    test('of one’s own is changed by the user who signed in with it', async () => {
      const hugo = await gateway.person('hugo');
      const own = { MLFLOW_TRACKING_USERNAME: hugo.username, MLFLOW_TRACKING_PASSWORD: hugo.password };
      const line = `mlflow-auth-client update-user-password ${hugo.username}`;
      expect(await type(line, 'hugo has another one\n', own)).toMatchObject(DONE);
      expect((await gateway.as(hugo.username, 'hugo has another one').get(CURRENT)).status).toBe(200);
    });
  });

  test.each<[line: string, env: Record<string, string>, code: number, complaint: string]>([
    ['get-user zoe', {}, 1, 'User with username=zoe not found.'],
    [
      'get-experiment-permission 0 admin',
      {},
      1,
      'Experiment permission with experiment_id=0 and username=admin not found.',
    ],
    [
      'create-experiment-permission 01 admin READ',
      {},
      2,
      'No experiment can have the id "01". Nothing was changed.',
    ],
    ['get-experiment-permission 01 admin', {}, 1, "Parameter 'experiment_id' is not a valid id."],
    [
      'update-user-password admin < /dev/null',
      {},
      2,
      'No password: type it when asked on a terminal, or pipe it in, one to a line.',
    ],
    ['echo_user', {}, 2, "Unknown command 'echo_user'; see --help."],
    [
      'update-user-admin admin False',
      {},
      1,
      'User (username=admin) is the last admin. Make another user an admin first.',
    ],
    [
      'whoami',
      { MLFLOW_TRACKING_PASSWORD: 'wrong' },
      1,
      'You are not signed in. Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.',
    ],
    [
      'whoami',
      { MLFLOW_TRACKING_USERNAME: '', MLFLOW_TRACKING_TOKEN: 'no such token' },
      1,
      'You are not signed in. Check MLFLOW_TRACKING_TOKEN: the token is mistyped, has expired, or was deleted or rotated.',
    ],
    [
      'whoami',
      { MLFLOW_TRACKING_URI: 'databricks' },
      2,
      'The tracking URI must be an address like http://HOST:PORT or https://HOST.',
    ],
  ])('%s (%j) ends with one line', async (line, env, code, complaint) => {
    expect(await type(`mlflow-auth-client ${line}`, '', env)).toEqual({
      code,
      stdout: '',
      stderr: `mlflow-auth-client: ${complaint}\n`,
    });
  });
});
