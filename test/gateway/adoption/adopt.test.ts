import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Adoption, createAdoption } from '../../../src/gateway/adoption/adopt.ts';
import { operationsOf } from '../../../src/mlflow/table/match.ts';
import { ASKED_KINDS } from '../../../src/mlflow/things/existence.ts';
import { createUpstream, type Upstream } from '../../../src/mlflow/upstream/upstream.ts';
import { ROUTES } from '../../../src/routes.ts';
import { openStore, type Store } from '../../../src/store/index.ts';
import { HOLD_MS } from '../../../src/store/intents.ts';
import type { User } from '../../../src/store/types.ts';
import { type FakeUpstream, startFakeUpstream } from '../../support/fake-upstream.ts';

const MINUTE = 60_000;

let now = 1_000_000_000_000;
let dir: string;
let mlflow: FakeUpstream;
let upstream: Upstream;
let store: Store;
let adoption: Adoption;
let alice: User;
let bob: User;
/** Models and experiments that the upstream has: when each was created, by name. */
let models: Map<string, number>;
let experiments: Map<string, { id: string; createdAt: number }>;

beforeEach(async () => {
  models = new Map();
  experiments = new Map();
  mlflow = await startFakeUpstream((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const name = searchParams.get('name') ?? searchParams.get('experiment_name') ?? '';
    const model = models.get(name);
    const experiment = experiments.get(name);
    if (pathname.endsWith('registered-models/get') && model !== undefined) {
      const times = { creation_timestamp: model, last_updated_timestamp: model };
      response.end(JSON.stringify({ registered_model: { name, ...times } }));
    } else if (experiment !== undefined) {
      const found = { experiment_id: experiment.id, name, creation_time: experiment.createdAt };
      response.end(JSON.stringify({ experiment: found }));
    } else {
      response.writeHead(404).end('{"error_code":"RESOURCE_DOES_NOT_EXIST"}');
    }
  });
  dir = mkdtempSync(join(tmpdir(), 'adoption-'));
  const clock = () => now;
  store = await openStore(`sqlite:///${join(dir, 'store.db')}`, { clock });
  upstream = createUpstream({ uri: mlflow.uri, timeoutSeconds: 5, connections: 2, clock });
  adoption = another();
  alice = await store.users.create({ username: 'alice', passwordHash: 'x', isAdmin: false });
  bob = await store.users.create({ username: 'bob', passwordHash: 'x', isAdmin: false });
});
afterEach(async () => {
  await upstream.close();
  await mlflow.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

/** Another process on the same store, which knows nothing of what the last one was about to do. */
const another = () => createAdoption(store, upstream, () => now, pino({ level: 'silent' }));

/** Another process, after the last one has died. */
function restarted(): Adoption {
  now += HOLD_MS;
  return another();
}

const create = (name: string) => ({ action: 'create', kind: 'registered_model', name }) as const;
const remove = (name: string) => ({ action: 'delete', kind: 'registered_model', name }) as const;
const rename = (name: string, newName: string) =>
  ({ action: 'rename', kind: 'registered_model', name, newName }) as const;

const holders = async (name: string, kind = 'registered_model') =>
  (await store.grants.forResource(kind, name)).map(({ holder, permission }) =>
    holder.kind === 'user' ? `${holder.username} ${permission}` : '',
  );

describe('a create whose answer nobody heard', () => {
  test('that happened gives its creator MANAGE, and takes what an earlier one of the name left', async () => {
    await store.grants.create(bob.id, 'registered_model', 'm', 'MANAGE');
    now += 10 * MINUTE;
    await adoption.open(create('m'), alice.id);
    models.set('m', now + 5);
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('is keyed by the id of what was created', async () => {
    await adoption.open({ action: 'create', kind: 'experiment', name: 'e' }, alice.id);
    experiments.set('e', { id: '42', createdAt: now });
    await restarted().settle();
    expect(await holders('42', 'experiment')).toEqual(['alice MANAGE']);
    expect(await holders('e', 'experiment')).toEqual([]);
  });

  test('that has not happened may still happen; after a while it is given up', async () => {
    await adoption.open(create('m'), alice.id);
    expect(await restarted().settle()).toBe(1);
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(0);
    models.set('m', now);
    await restarted().settle();
    expect(await holders('m')).toEqual([]);
  });

  test('gives nothing on what was there before', async () => {
    models.set('m', now - 10 * MINUTE);
    await adoption.open(create('m'), alice.id);
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual([]);
  });

  test('takes nothing from a user who created it a moment earlier', async () => {
    models.set('m', now);
    const hers = await adoption.open(create('m'), bob.id);
    await adoption.done(hers, 'm');
    now += 1000;
    await adoption.open(create('m'), alice.id);
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual(['bob MANAGE']);
  });

  test('takes nothing from a user whose prompt of that name was created a moment earlier', async () => {
    models.set('p', now);
    await store.grants.adopt({ kind: 'prompt', id: 'p', userId: bob.id });
    now += 1000;
    await adoption.open(create('p'), alice.id);
    expect(await restarted().settle()).toBe(0);
    expect(await holders('p', 'prompt')).toEqual(['bob MANAGE']);
    expect(await holders('p')).toEqual([]);
  });

  test('takes nothing from a user who created it later', async () => {
    await adoption.open(create('m'), alice.id);
    now += MINUTE;
    const hers = await adoption.open(create('m'), bob.id);
    models.set('m', now);
    await adoption.done(hers, 'm');
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual(['bob MANAGE']);
  });

  test('gives nothing to a creator deleted meanwhile', async () => {
    await adoption.open(create('m'), alice.id);
    models.set('m', now);
    await store.users.remove(alice.id);
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual([]);
  });
});

describe('what MLflow failed at', () => {
  test('is over: a create gives nothing on what another user makes later', async () => {
    await adoption.failed(await adoption.open(create('m'), alice.id));
    expect(await store.intents.list()).toEqual([]);
    now += 1;
    models.set('m', now);
    await adoption.settle();
    expect(await holders('m')).toEqual([]);
  });

  test('is over: a rename or delete that has not happened leaves everything as it was', async () => {
    models.set('m', now - MINUTE);
    await store.grants.create(bob.id, 'registered_model', 'm', 'MANAGE');
    now += MINUTE;
    await adoption.failed(await adoption.open(rename('m', 'n'), bob.id));
    await adoption.failed(await adoption.open(remove('m'), bob.id));
    expect(await holders('m')).toEqual(['bob MANAGE']);
    expect(await store.intents.list()).toEqual([]);
  });

  test('may have happened all the same, and then has its owner at once', async () => {
    const intent = await adoption.open(create('m'), alice.id);
    models.set('m', now);
    await adoption.failed(intent);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });
});

describe('a delete whose answer nobody heard', () => {
  beforeEach(async () => {
    models.set('m', 1);
    await store.grants.create(alice.id, 'registered_model', 'm', 'MANAGE');
    await store.grants.create(bob.id, 'prompt', 'm', 'READ');
    now += 1000;
    await adoption.open(remove('m'), alice.id);
    now += 1000;
  });

  test('that happened leaves nothing to anybody', async () => {
    models.delete('m');
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual([]);
    expect(await holders('m', 'prompt')).toEqual([]);
  });

  test('that did not happen leaves everything as it was, once it no longer can', async () => {
    expect(await restarted().settle()).toBe(1);
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('takes nothing from a user who created it anew while the upstream was being asked', async () => {
    mlflow.answer((_request, response) => {
      now += 1000;
      void store.grants
        .adopt({ kind: 'registered_model', id: 'm', userId: bob.id })
        .then(() => response.writeHead(404).end('{}'));
    });
    expect(await restarted().settle()).toBe(0);
    expect(await holders('m')).toEqual(['bob MANAGE']);
  });
});

describe('a rename whose answer nobody heard', () => {
  beforeEach(async () => {
    models.set('old', 1);
    await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
    now += 1000;
    await adoption.open(rename('old', 'new'), alice.id);
    now += 1000;
  });

  /** What MLflow does of it. */
  const carryOut = () => {
    models.delete('old');
    models.set('new', 1);
  };

  test('that happened moves the grants', async () => {
    carryOut();
    expect(await restarted().settle()).toBe(0);
    expect(await holders('old')).toEqual([]);
    expect(await holders('new')).toEqual(['alice MANAGE']);
  });

  test('that did not happen leaves them', async () => {
    expect(await restarted().settle()).toBe(1);
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(0);
    expect(await holders('old')).toEqual(['alice MANAGE']);
  });

  test.each([
    ['has long been there and is nobody’s', () => models.set('new', 2)],
    ['was created since', () => models.set('new', now)],
    [
      'is another user’s',
      async () => {
        models.set('new', 2);
        await store.grants.create(bob.id, 'registered_model', 'new', 'MANAGE');
      },
    ],
  ])(
    'gives nobody what has the new name if that %s, whatever is left on the old one',
    async (_what, make) => {
      models.delete('old');
      await make();
      const before = await holders('new');
      expect(await restarted().settle()).toBe(0);
      expect(await holders('new')).toEqual(before);
    },
  );

  test('takes nothing from the owner of the new name when the old one was deleted afterwards', async () => {
    await store.grants.create(bob.id, 'registered_model', 'new', 'MANAGE');
    models.set('new', 2);
    const deletion = await adoption.open(remove('old'), alice.id);
    models.delete('old');
    await adoption.done(deletion, 'old');
    expect(await restarted().settle()).toBe(0);
    expect(await holders('new')).toEqual(['bob MANAGE']);
  });
});

/** What MLflow's AI gateway lists and gets in one and the same way. */
function ofAiGateway<Kind extends 'gateway_endpoint' | 'gateway_model_definition'>(
  kind: Kind,
  name: string,
  key: string,
  id: string,
) {
  const path = `/api/3.0/mlflow/gateway/${key.replaceAll('_', '-')}s`;
  return {
    kind,
    name,
    id,
    asked: [`${path}/list`, `${path}/get?${key}_id=${id}`],
    replies: (created_at: number) => {
      const thing = { [`${key}_id`]: id, name, created_at };
      return [{ [`${key}s`]: [thing] }, { [key]: thing }];
    },
  };
}

/** How MLflow 3.17 is asked for things of each kind, and what it answers of one that there is. */
const KINDS = [
  {
    kind: 'gateway_secret',
    name: 'my key',
    id: 's-1',
    asked: ['/api/3.0/mlflow/gateway/secrets/list', '/api/3.0/mlflow/gateway/secrets/get?secret_id=s-1'],
    replies: (created_at: number) => {
      const secret = { secret_id: 's-1', secret_name: 'my key', created_at };
      const older = { secret_id: 's-0', secret_name: 'another', created_at: 1 };
      return [{ secrets: [older, secret] }, { secret }];
    },
  },
  ofAiGateway('gateway_endpoint', 'chat', 'endpoint', 'e-1'),
  ofAiGateway('gateway_model_definition', 'gpt', 'model_definition', 'd-1'),
  {
    kind: 'mcp_server',
    name: 'com.example/search',
    id: 'com.example/search',
    asked: [
      '/api/3.0/mlflow/mcp-servers/com.example/search',
      '/api/3.0/mlflow/mcp-servers/com.example/search',
    ],
    replies: (creation_timestamp: number) => {
      const server = { name: 'com.example/search', creation_timestamp };
      return [server, server];
    },
  },
  {
    kind: 'scorer',
    name: '7/a%20b%2Fc',
    id: '7/a%20b%2Fc',
    asked: [
      '/api/3.0/mlflow/scorers/versions?experiment_id=7&name=a%20b%2Fc',
      '/api/3.0/mlflow/scorers/versions?experiment_id=7&name=a%20b%2Fc',
    ],
    replies: (creation_time: number) => {
      const first = { experiment_id: 7, scorer_name: 'a b/c', creation_time };
      const second = { ...first, creation_time: creation_time + MINUTE };
      const versions = { scorers: [second, first] };
      return [versions, versions];
    },
  },
] as const;

describe.each(KINDS)('a lost answer about a $kind', ({ kind, name, id, asked, replies }) => {
  /** When the thing was created; undefined if it is not there. */
  let createdAt: number | undefined;

  beforeEach(() => {
    createdAt = undefined;
    mlflow.answer((request, response) => {
      const index = (asked as readonly string[]).indexOf(request.url ?? '');
      if (index === -1) {
        response.writeHead(500).end('{}');
      } else if (createdAt !== undefined) {
        response.end(JSON.stringify(replies(createdAt)[index]));
      } else if (request.url?.endsWith('/list')) {
        response.end('{}');
      } else {
        response.writeHead(404).end('{"error_code":"RESOURCE_DOES_NOT_EXIST"}');
      }
    });
  });

  test('of a create that happened gives its creator MANAGE', async () => {
    await adoption.open({ action: 'create', kind, name }, alice.id);
    expect(await restarted().settle()).toBe(1);
    createdAt = now + 5;
    expect(await restarted().settle()).toBe(0);
    expect(await holders(id, kind)).toEqual(['alice MANAGE']);
  });

  test('of a create gives nothing on what was there before', async () => {
    createdAt = now - 10 * MINUTE;
    await adoption.open({ action: 'create', kind, name }, alice.id);
    expect(await restarted().settle()).toBe(0);
    expect(await holders(id, kind)).toEqual([]);
  });

  /** A user is about to delete what bob manages. */
  async function beginDelete(): Promise<void> {
    createdAt = now - 1;
    await store.grants.create(bob.id, kind, id, 'MANAGE');
    now += 1000;
    await adoption.open({ action: 'delete', kind, name: id }, alice.id);
  }

  test('of a delete that happened leaves nothing to anybody, however late it is known', async () => {
    await beginDelete();
    createdAt = undefined;
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(0);
    expect(await holders(id, kind)).toEqual([]);
  });

  test('of a delete that did not happen leaves everything as it was, once it no longer can', async () => {
    await beginDelete();
    expect(await restarted().settle()).toBe(1);
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(0);
    expect(await holders(id, kind)).toEqual(['bob MANAGE']);
  });

  test('of a delete takes from another of the name what was granted on the first', async () => {
    await beginDelete();
    now += 1000;
    createdAt = now;
    await store.grants.create(alice.id, kind, id, 'READ');
    now += MINUTE;
    expect(await restarted().settle()).toBe(0);
    expect(await holders(id, kind)).toEqual(['alice READ']);
  });

  test.each([
    ['an error', 500, '{}'],
    ['nothing of it', 200, '{}'],
    ['what is no list', 200, '{"secrets":7,"model_definitions":7,"scorers":7}'],
    ['no moment', 200, JSON.stringify({ ...replies(Number.NaN)[1] })],
    ['no JSON', 200, '<html>'],
    ['a refusal', 403, 'Permission denied'],
  ])('stays open while the upstream answers with %s', async (_what, status, body) => {
    await beginDelete();
    mlflow.answer((_request, response) => response.writeHead(status).end(body));
    now += 16 * MINUTE;
    expect(await restarted().settle()).toBe(1);
    expect(await holders(id, kind)).toEqual(['bob MANAGE']);
  });
});

test.each(['gateway_secret', 'gateway_model_definition'])(
  'a create of a %s is not given up while the list that would show it cannot be read',
  async (kind) => {
    await adoption.open({ action: 'create', kind, name: 'x' }, alice.id);
    now += 16 * MINUTE;
    for (const body of [
      '[]',
      '{"secrets":7,"model_definitions":7}',
      '{"secrets":{},"model_definitions":{}}',
    ]) {
      mlflow.answer((_request, response) => response.end(body));
      expect(await restarted().settle()).toBe(1);
    }
  },
);

test('every kind whose grants come and go can be asked for', () => {
  const kinds = operationsOf(ROUTES).flatMap(({ rules }) =>
    rules.flatMap((rule) =>
      rule.rule === 'adopt' || rule.rule === 'rename' || rule.rule === 'forget' ? [rule.kind] : [],
    ),
  );
  expect(new Set(kinds).size).toBeGreaterThan(5);
  expect(kinds.filter((kind) => !ASKED_KINDS.some((asked) => asked === kind))).toEqual([]);
});

describe('two who are about to bring about the same name', () => {
  test('get nothing, of neither of whom it is known whose doing it is', async () => {
    await adoption.open(create('m'), alice.id);
    await adoption.open(create('m'), bob.id);
    models.set('m', now);
    await restarted().settle();
    expect(await holders('m')).toEqual([]);
    expect(await store.intents.list()).toEqual([]);
  });

  test('are told apart if one of them renames, by what was renamed', async () => {
    await adoption.open(create('m'), alice.id);
    await store.grants.create(bob.id, 'registered_model', 'q', 'MANAGE');
    models.set('q', now - 500);
    now += 1000;
    await adoption.open(rename('q', 'm'), bob.id);
    models.delete('q');
    models.set('m', now - 1500);
    await restarted().settle();
    expect(await holders('m')).toEqual(['bob MANAGE']);
  });

  test('are waited for while one of them may still be answered', async () => {
    const hers = await adoption.open(create('m'), alice.id);
    await adoption.unheard(hers);
    const his = await adoption.open(create('m'), bob.id);
    models.set('m', now);
    expect(await adoption.settle()).toBe(1);
    await adoption.refused(his);
    expect(await adoption.settle()).toBe(0);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });
});

describe('a rename whose answer is slow to arrive', () => {
  test('takes along its own grants, though the old name is another user’s by then', async () => {
    models.set('old', 1);
    await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
    now += 1000;
    const hers = await adoption.open(rename('old', 'new'), alice.id);
    models.delete('old');
    models.set('new', 1);
    const his = await another().open(create('old'), bob.id);
    models.set('old', now);
    const adopted = another().done(his, 'old');
    now += 1000;
    await adoption.done(hers, 'new');
    await adopted;
    expect(await holders('new')).toEqual(['alice MANAGE']);
    expect(await holders('old')).toEqual(['bob MANAGE']);
  });
});

describe('a name that is taken again before it is known what has become of what had it', () => {
  beforeEach(async () => {
    models.set('old', 1);
    await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
    await store.grants.create(bob.id, 'registered_model', 'old', 'READ');
    now += 1000;
  });

  test('is its new owner’s at once, and what was renamed keeps its owner and readers', async () => {
    const renaming = await adoption.open(rename('old', 'new'), alice.id);
    models.delete('old');
    models.set('new', 1);
    await adoption.unheard(renaming);
    now += 1000;
    const creating = await adoption.open(create('old'), bob.id);
    models.set('old', now);
    await adoption.done(creating, 'old', now);
    expect(await holders('old')).toEqual(['bob MANAGE']);
    expect(await holders('new')).toEqual(['alice MANAGE', 'bob READ']);
    expect(await store.intents.list()).toEqual([]);
  });

  test('leaves a rename its grants though a delete of the old name was begun before and is settled first', async () => {
    await adoption.unheard(await adoption.open(remove('old'), alice.id));
    now += MINUTE;
    const renaming = await adoption.open(rename('old', 'new'), alice.id);
    models.delete('old');
    models.set('new', 1);
    await adoption.unheard(renaming);
    expect(await adoption.settle()).toBe(0);
    expect(await holders('old')).toEqual([]);
    expect(await holders('new')).toEqual(['alice MANAGE', 'bob READ']);
  });

  test('is not taken for what a user was about to create, where a young thing was renamed to it', async () => {
    models.set('young', now - 1000);
    await store.grants.create(alice.id, 'registered_model', 'young', 'MANAGE');
    await adoption.unheard(await adoption.open(create('new'), bob.id));
    now += 1000;
    const renaming = await adoption.open(rename('young', 'new'), alice.id);
    models.set('new', models.get('young') ?? 0);
    models.delete('young');
    await adoption.unheard(renaming);
    expect(await adoption.settle()).toBe(0);
    expect(await holders('new')).toEqual(['alice MANAGE']);
    expect(await holders('young')).toEqual([]);
  });
});

describe('what another gateway waits for', () => {
  test('is left to it', async () => {
    const creating = await adoption.open(create('m'), alice.id);
    models.set('m', now);
    expect(await another().settle()).toBe(1);
    expect(await holders('m')).toEqual([]);
    await adoption.done(creating, 'm', now);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('is settled once it has not said for a while that it does', async () => {
    await adoption.open(create('m'), alice.id);
    models.set('m', now);
    now += HOLD_MS - 1;
    expect(await another().settle()).toBe(1);
    now += 1;
    expect(await another().settle()).toBe(0);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('is settled at once if it was said that it no longer does', async () => {
    await adoption.unheard(await adoption.open(create('m'), alice.id));
    models.set('m', now);
    expect(await another().settle()).toBe(0);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('is waited for by a caller who takes the old name of what is renamed; too long, and it is a 503, settled later', async () => {
    models.set('old', 1);
    await store.grants.create(alice.id, 'registered_model', 'old', 'MANAGE');
    now += 1000;
    const hers = await adoption.open(rename('old', 'new'), alice.id);
    models.delete('old');
    models.set('new', 1);
    const other = another();
    const his = await other.open(create('old'), bob.id);
    models.set('old', now);
    await expect(other.done(his, 'old', now)).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('MLflow has done this'),
    });
    expect(await holders('old')).toEqual(['alice MANAGE']);
    await adoption.done(hers, 'new');
    expect(await other.settle()).toBe(0);
    expect(await holders('old')).toEqual(['bob MANAGE']);
    expect(await holders('new')).toEqual(['alice MANAGE']);
  });

  test('is told of again and again for as long as it lasts', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const waiting = another();
      const intent = await waiting.open(create('m'), alice.id);
      for (let second = 0; second < 10; second += 1) {
        now += 1000;
        vi.advanceTimersByTime(1000);
        await vi.waitFor(async () =>
          expect(await store.intents.list()).toMatchObject([{ isHeld: true, heldUntil: now + HOLD_MS }]),
        );
      }
      expect(await another().settle()).toBe(1);
      await waiting.refused(intent);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a clock that is put back', () => {
  const HOUR = 60 * MINUTE;

  beforeEach(() => {
    for (const name of ['m', 'mine', 'old']) {
      models.set(name, 1);
    }
  });

  test('leaves nothing on what was deleted afterwards', async () => {
    await adoption.done(await adoption.open(create('m'), alice.id), 'm');
    now -= HOUR;
    await adoption.done(await adoption.open(remove('m'), alice.id), 'm');
    expect(await holders('m')).toEqual([]);
  });

  test('leaves nothing on what was deleted afterwards, though nobody heard of it', async () => {
    await adoption.done(await adoption.open(create('m'), alice.id), 'm');
    now -= HOUR;
    await adoption.unheard(await adoption.open(remove('m'), alice.id));
    models.delete('m');
    await adoption.settle();
    expect(await holders('m')).toEqual([]);
  });

  test('does not give what is renamed afterwards to a caller who had the name before', async () => {
    await adoption.done(await adoption.open(create('taken'), alice.id), 'taken');
    now -= HOUR;
    await adoption.done(await adoption.open(create('mine'), bob.id), 'mine');
    await adoption.done(await adoption.open(rename('mine', 'taken'), bob.id), 'taken');
    expect(await holders('taken')).toEqual(['bob MANAGE']);
    expect(await holders('mine')).toEqual([]);
  });

  test('lets grants follow a rename', async () => {
    await adoption.done(await adoption.open(create('old'), alice.id), 'old');
    now -= HOUR;
    await adoption.done(await adoption.open(rename('old', 'new'), alice.id), 'new');
    expect(await holders('new')).toEqual(['alice MANAGE']);
    expect(await holders('old')).toEqual([]);
  });
});

describe('settling', () => {
  test('leaves alone what this process is still waiting for', async () => {
    models.set('m', 1);
    const intent = await adoption.open(remove('m'), alice.id);
    models.delete('m');
    expect(await adoption.settle()).toBe(0);
    expect(await store.intents.list()).toMatchObject([intent]);
    await adoption.unheard(intent);
    await adoption.settle();
    expect(await store.intents.list()).toEqual([]);
  });

  test.each([
    ['an error', 500, '{}'],
    ['garbage', 200, '{"registered_model":{}}'],
    ['what is no JSON', 200, '<html>'],
    ['a refusal', 403, 'Permission denied'],
  ])('waits when the upstream answers with %s', async (_what, status, body) => {
    models.set('m', 1);
    await store.grants.create(alice.id, 'registered_model', 'm', 'MANAGE');
    now += 1000;
    await adoption.open(remove('m'), alice.id);
    mlflow.answer((_request, response) => response.writeHead(status).end(body));
    expect(await restarted().settle()).toBe(1);
    expect(await holders('m')).toEqual(['alice MANAGE']);
  });

  test('changes things once when two processes do it at a time', async () => {
    await adoption.open(create('m'), alice.id);
    models.set('m', now);
    const [one, other] = [restarted(), another()];
    await Promise.all([one.settle(), other.settle()]);
    expect(await holders('m')).toEqual(['alice MANAGE']);
    await store.grants.create(bob.id, 'registered_model', 'm', 'READ');
    await restarted().settle();
    expect(await holders('m')).toEqual(['alice MANAGE', 'bob READ']);
  });

  test('closes what the upstream refused without touching a grant', async () => {
    await store.grants.create(bob.id, 'registered_model', 'm', 'MANAGE');
    await adoption.refused(await adoption.open(create('m'), alice.id));
    expect(await holders('m')).toEqual(['bob MANAGE']);
    expect(await store.intents.list()).toEqual([]);
  });
});
