/** A version of an MCP server is deleted by those who may delete, in whatever way MLflow has it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { grantOn, unique } from '../support/gateway.ts';
import { NEWEST, STARTED } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const SERVERS = '/api/3.0/mlflow/mcp-servers';

describe.each([NEWEST, STARTED])('in front of MLflow %s', (version) => {
  const { admin, owner, editor } = useGateway({ version, people: ['owner', 'editor'] });
  const name = `io.github.x/${unique('server')}`;
  const status = async (of: string): Promise<string> =>
    (await owner.get(`${SERVERS}/${name}/versions/${of}`)).json.status;

  beforeAll(async () => {
    await owner.post(SERVERS, { name });
    for (const each of ['1.0.0', '2.0.0', '3.0.0']) {
      await owner.post(`${SERVERS}/${name}/versions`, {
        server_json: { name, version: each, description: 'd' },
      });
    }
    await grantOn(owner, editor, 'mcp_server', name, 'EDIT');
  });

  test('who may change it may not say that it is deleted', async () => {
    const at = `${SERVERS}/${name}/versions/1.0.0`;
    for (const said of ['deleted', 'DELETED', 'dele\u0301ted']) {
      expect((await editor.patch(at, { status: said })).status).toBe(403);
    }
    expect((await editor.delete(at)).status).toBe(403);
    expect(await status('1.0.0')).toBe('draft');
    expect((await editor.patch(at, { status: 'active' })).status).toBe(200);
    expect(await status('1.0.0')).toBe('active');
  });

  test('nor who may change all versions, where that is granted', async () => {
    await grantOn(admin, editor, 'mcp_server_version', '*', 'EDIT');
    const at = `${SERVERS}/${name}/versions/2.0.0`;
    expect((await editor.patch(at, { status: 'deleted' })).status).toBe(403);
    expect(await status('2.0.0')).toBe('draft');
  });

  test('who manages it may', async () => {
    const at = `${SERVERS}/${name}/versions/3.0.0`;
    expect((await owner.patch(at, { status: 'deleted' })).status).toBe(200);
  });
});
