/** A request about another workspace is refused: carried out in the one there is, it would be answered as if it had not. */
import { describe, expect, test } from 'vitest';
import { type Person, unique } from '../support/gateway.ts';
import { NEWEST, OLDEST } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const CREATE = '/api/2.0/mlflow/experiments/create';
const HEADERS = ['x-mlflow-workspace', 'X-MLFLOW-WORKSPACE', 'X_MLFLOW_WORKSPACE', 'x-mlflow_workspace'];

describe.each([OLDEST, NEWEST])('in front of MLflow %s, whose workspaces are off', (version) => {
  const { gateway, alice } = useGateway({ version, people: ['alice'] });

  test.each(HEADERS)('%s is refused to users and admins', async (header) => {
    for (const person of [alice, gateway.admin]) {
      for (const workspace of ['team', 'default', 'team, default']) {
        const name = unique('e');
        const sent = { json: { name }, headers: { [header]: workspace } };
        const { status, json } = await person.send('POST', CREATE, sent);
        expect([status, json.message]).toEqual([400, expect.stringContaining('not enabled')]);
        const found = await gateway.admin.get(
          `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${name}`,
        );
        expect(found.status).toBe(404);
      }
    }
  });

  test('a blank one means none, as MLflow has it', async () => {
    const sent = { json: { name: unique('e') }, headers: { 'x-mlflow-workspace': ' ' } };
    expect((await alice.send('POST', CREATE, sent)).status).toBe(200);
  });

  test('what the gateway answers itself is about no other workspace either', async () => {
    const headers = { 'x-mlflow-workspace': 'team' };
    expect((await alice.get('/api/2.0/mlflow/users/current', { headers })).status).toBe(400);
  });

  test('and nobody learns of it without credentials', async () => {
    const headers = { 'x-mlflow-workspace': 'team' };
    expect((await gateway.anonymous.get('/', { headers })).status).toBe(401);
    expect((await gateway.anonymous.get('/health', { headers })).status).toBe(200);
  });
});

describe('in front of an MLflow with workspaces', () => {
  const { admin, alice, upstream } = useGateway({
    fake: true,
    info: { workspaces_enabled: true },
    people: ['alice'],
  });

  test('MLflow is told the one that was judged, and no other', async () => {
    const arrived: string[] = [];
    upstream.answer((request, response) => {
      arrived.push(`${request.method} ${request.url} ${request.headers['x-mlflow-workspace']}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ experiment_id: '900' }));
    });
    const send = (who: Person, headers: Record<string, string>) =>
      who.send('POST', CREATE, { json: { name: 'e' }, headers });
    for (const [headers, told] of [
      [{ 'x-mlflow-workspace': 'team' }, 'team'],
      [{ X_MLFLOW_WORKSPACE: 'team' }, 'team'],
      [{ 'x-mlflow-workspace': ' ' }, 'default'],
      [{}, 'default'],
    ] as const) {
      arrived.length = 0;
      expect((await send(admin, headers)).status).toBe(200);
      expect(arrived.filter((line) => line.startsWith('POST'))).toEqual([`POST ${CREATE} ${told}`]);
    }
    arrived.length = 0;
    expect((await send(alice, { 'x-mlflow-workspace': 'team' })).status).toBe(404);
    expect((await send(alice, {})).status).toBe(403);
    expect(arrived.filter((line) => line.startsWith('POST'))).toEqual([]);
  });
});

describe('in front of an MLflow that does not say whether it has workspaces', () => {
  const { gateway, admin, alice, upstream } = useGateway({
    fake: true,
    info: 500,
    settings: { default_permission: 'MANAGE' },
    people: ['alice'],
  });

  test('what names none is judged as if it had, so that nothing is given by default', async () => {
    const create = () => alice.post(CREATE, { name: 'e' });
    const headers = { 'x-mlflow-workspace': 'default' };
    expect((await create()).status).toBe(403);
    expect((await admin.send('POST', CREATE, { json: { name: 'e' }, headers })).status).toBe(503);
    expect(upstream.arrived).toEqual([]);
    expect((await admin.get('/api/2.0/mlflow/users/list')).status).toBe(200);
    expect((await gateway.anonymous.get('/health')).status).toBe(200);
    upstream.tell({});
    await create();
    expect(upstream.arrived).toMatchObject([{ method: 'POST', url: CREATE }]);
  });
});
