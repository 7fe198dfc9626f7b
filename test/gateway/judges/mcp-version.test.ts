import { describe, expect, test } from 'vitest';
import { NEWEST } from '../../support/mlflow.ts';
import { byToken, makeToken } from '../../support/tokens.ts';
import { useNeighbours } from '../../support/use-gateway.ts';

const neighbours = useNeighbours(NEWEST);

describe('a version of an MCP server whose name', () => {
  const named = (name: string) => ({ server_json: { name, version: '1.0.0', description: 'one' } });

  test.each(['1/a%20b', '1/a%3Fx=1', 'ns/a%3Fx=1', 'ns/a%23b', 'ns/a%25b', 'ns/versions', 'ns/%C3%A9'])(
    'is none is a 400, and not asked for: %s',
    async (path) => {
      const name = decodeURIComponent(path);
      const url = `/api/3.0/mlflow/mcp-servers/${path}/versions`;
      expect((await neighbours.alice.post(url, named(name))).status).toBe(400);
    },
  );

  test('is new makes it', async () => {
    const name = `com.example/server-${Date.now()}`;
    const url = `/api/3.0/mlflow/mcp-servers/${name}/versions`;
    const made = await neighbours.alice.post(url, named(name));
    expect(made.status, made.text).toBe(200);
    expect((await neighbours.bob.post(url, named(name))).status).toBe(403);
  });

  test('is new makes none by a token that is confined to others, be it all that there are', async () => {
    const name = `com.example/server-${Date.now()}-by-token`;
    const url = `/api/3.0/mlflow/mcp-servers/${name}/versions`;
    for (const resource_id of [name, '*']) {
      const scope = { resources: [{ resource_type: 'mcp_server', resource_id }] };
      const { secret } = await makeToken(neighbours.alice, { scope });
      expect((await byToken(neighbours.gateway.url, secret).post(url, named(name))).status).toBe(403);
    }
    expect((await neighbours.alice.get(`/api/3.0/mlflow/mcp-servers/${name}`)).status).toBe(404);
  });
});
