import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Answering } from '../support/fake-upstream.ts';
import { look } from '../support/look.ts';
import {
  type MlflowOptions,
  NEWEST,
  OLDEST,
  type RunningMlflow,
  sharedMlflow,
  startMlflow,
} from '../support/mlflow.ts';
import { openGateway, useFakeUpstream } from '../support/use-gateway.ts';

describe('a real MLflow', () => {
  let mlflow: RunningMlflow | undefined;
  const dirs: string[] = [];

  afterEach(async () => {
    await mlflow?.stop();
    mlflow = undefined;
  });
  afterAll(() => {
    for (const dir of dirs) {
      rmSync(dir, { recursive: true });
    }
  });

  async function start(options: Omit<MlflowOptions, 'dir'>): Promise<string> {
    const dir = mkdtempSync(join(tmpdir(), 'survey-'));
    dirs.push(dir);
    mlflow = await startMlflow({ ...options, dir });
    return mlflow.socketUri;
  }

  test.each([NEWEST, OLDEST])('%s as it comes has no problem', async (version) => {
    const { uri } = await sharedMlflow(version);
    expect(await look(uri)).toMatchObject({ version, problems: [], notes: [] });
  });

  test('that refuses the Host is told by upstream_host', async () => {
    const { uri } = await sharedMlflow(NEWEST);
    const { problems } = await look(uri, { host: 'mlflow.example.com' });
    expect(problems).toEqual([
      'MLflow refuses the Host "mlflow.example.com": set upstream_host to one of its --allowed-hosts.',
    ]);
  });

  test('with --app-name basic-auth is told to take it off, and users get 502', async () => {
    const uri = await start({
      version: OLDEST,
      args: ['--app-name', 'basic-auth'],
      env: { MLFLOW_FLASK_SERVER_SECRET_KEY: 'x' },
    });
    const { problems } = await look(uri);
    expect(problems).toEqual([
      'MLflow was started with --app-name basic-auth: take that off. Until then users get 502.',
    ]);
    const { gateway } = await openGateway({ upstream: uri });
    await expect
      .poll(() => gateway.log.map(({ msg }) => msg))
      .toContainEqual(expect.stringContaining('--app-name'));
    const user = await gateway.person();
    const answers = [
      await user.get('/version'),
      await user.get('/api/2.0/mlflow/experiments/search?max_results=1'),
      await user.post('/api/2.0/mlflow/experiments/create', { name: 'a' }),
      await gateway.admin.get('/api/2.0/mlflow/experiments/get?experiment_id=0'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([502, 502, 502, 502]);
    expect(answers[0]?.headers).not.toHaveProperty('www-authenticate');
    expect(answers[0]?.json.message).toMatch(/asks for a sign-in of its own/);
  });

  test('with --no-serve-artifacts and with workspaces is noted, and a socket too', async () => {
    const uri = await start({ version: NEWEST, args: ['--no-serve-artifacts', '--enable-workspaces'] });
    expect((await look(uri)).notes).toEqual([
      'MLflow does not serve artifacts: clients reach the storage by themselves, past the gateway.',
      expect.stringContaining('MLflow runs with --enable-workspaces: '),
      expect.stringContaining('MLflow listens on a socket'),
    ]);
  });
});

describe('what else may stand there', () => {
  let answering: Answering;

  const upstream = useFakeUpstream((request, response) => answering(request, response));

  test('another sign-in is told apart from MLflow’s', async () => {
    answering = (_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="proxy"' }).end();
    expect((await look(upstream.uri)).problems).toEqual([
      expect.stringMatching(/^The upstream asks for a sign-in/),
    ]);
  });

  test('artifacts in other storage are noted, without their bucket', async () => {
    const experiment = { artifact_location: 's3://secret-bucket/path/0' };
    answering = (_request, response) => response.end(JSON.stringify({ experiment }));
    expect((await look(upstream.uri)).notes).toEqual([
      'MLflow keeps artifacts at s3:: clients reach that storage by themselves, past the gateway.',
    ]);
  });

  test('the 401 of a model’s provider is passed on to who called it', async () => {
    answering = (request, response) => {
      const json = { endpoint: { endpoint_id: '1', name: 'e' } };
      response.writeHead(request.url?.startsWith('/gateway/') ? 401 : 200).end(JSON.stringify(json));
    };
    const { gateway } = await openGateway({ upstream: upstream.uri });
    const called = await gateway.admin.post('/gateway/e/mlflow/invocations', {});
    const other = await gateway.admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1');
    expect([called.status, other.status]).toEqual([401, 200]);
  });
});
