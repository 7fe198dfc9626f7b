import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grant, type Person, unique } from '../../support/gateway.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { startTrace } from '../../support/traces.ts';
import { useGateway } from '../../support/use-gateway.ts';

let experiment: string;
/** Made the queues; holds EDIT. */
let owner: Person;
/** All but the manager, who made the experiment, and the stranger hold what their names say: the editor EDIT. */
const { gateway, manager, editor, reader, stranger } = useGateway({
  version: NEWEST,
  people: ['manager', 'editor', 'reader', 'stranger'],
});
beforeAll(async () => {
  owner = await gateway.person('Owner');
  experiment = await createExperiment(manager);
  await grant(manager, owner, { experiment }, 'EDIT');
  await grant(manager, editor, { experiment }, 'EDIT');
  await grant(manager, reader, { experiment }, 'READ');
});

const path = (rest: string) => `/api/3.0/mlflow/review-queues/${rest}`;
const post = (who: Person, rest: string, json: unknown) => who.post(path(rest), json);
const get = (who: Person, rest: string) => who.get(path(rest));

const newQueue = (who: Person, more: Readonly<Record<string, unknown>> = {}) =>
  post(who, 'create', { experiment_id: experiment, name: unique('queue'), queue_type: 'CUSTOM', ...more });

async function queueOf(who: Person, ...reviewers: Person[]): Promise<string> {
  const users = reviewers.map(({ username }) => username);
  const { status, text, json } = await newQueue(who, { users });
  if (status !== 200) {
    throw new Error(text);
  }
  return json.review_queue.queue_id;
}

/** Who of everybody gets a 200. */
async function passing(ask: (who: Person) => Promise<{ status: number }>): Promise<Person[]> {
  const passed: Person[] = [];
  for (const who of [stranger, reader, editor, owner, manager]) {
    const { status } = await ask(who);
    if (status === 200) {
      passed.push(who);
    } else {
      expect(status).toBe(403);
    }
  }
  return passed;
}

test('a caller who may edit the experiment makes a queue', async () => {
  expect(await passing((who) => newQueue(who))).toEqual([editor, owner, manager]);
});

test('a queue is opened by its owner, its reviewers and a caller who manages the experiment', async () => {
  const queue = await queueOf(owner);
  const reviewed = await queueOf(owner, reader);
  for (const rest of ['get?queue_id=', 'items/list?queue_id=']) {
    expect(await passing((who) => get(who, `${rest}${queue}`))).toEqual([owner, manager]);
    expect(await passing((who) => get(who, `${rest}${reviewed}`))).toEqual([reader, owner, manager]);
  }
  const { name } = (await get(owner, `get?queue_id=${queue}`)).json.review_queue;
  const byName = `get-by-name?experiment_id=${experiment}&name=${name}`;
  expect(await passing((who) => get(who, byName))).toEqual([owner, manager]);
});

test('a list shows those without EDIT the queues they review', async () => {
  const queue = await queueOf(owner);
  const reviewed = await queueOf(owner, reader);
  const listed = async (who: Person) => (await get(who, `list?experiment_id=${experiment}`)).text;
  expect(await listed(editor)).toContain(queue);
  expect(await listed(reader)).not.toContain(queue);
  expect(await listed(reader)).toContain(reviewed);
  expect((await get(stranger, `list?experiment_id=${experiment}`)).status).toBe(403);
});

test('a list says nothing of queues that its reader does not review: not by what is empty, not by its pages', async () => {
  const home = await createExperiment(manager);
  await grant(manager, reader, { experiment: home }, 'READ');
  const list = async (more = '') => {
    const { status, text, json } = await get(reader, `list?experiment_id=${home}${more}`);
    expect(status, text).toBe(200);
    return { text, json };
  };
  const make = async (...users: string[]) => {
    const queue = { experiment_id: home, name: unique('queue'), queue_type: 'CUSTOM', users };
    return (await post(manager, 'create', queue)).json.review_queue.queue_id as string;
  };
  const empty = await list();
  await make();
  expect((await list()).text).toBe(empty.text);
  const mine = [await make(reader.username), await make(reader.username)];
  for (let hidden = 0; hidden < 3; hidden += 1) {
    await make();
  }
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const { json } = await list(`&max_results=1${token === undefined ? '' : `&page_token=${token}`}`);
    seen.push(...json.review_queues.map(({ queue_id }: { queue_id: string }) => queue_id));
    token = json.next_page_token;
    expect(Buffer.from(token ?? '', 'base64').toString()).not.toContain('offset');
    // MLflow ends with an empty one.
  } while (token !== undefined && token !== '' && seen.length < 9);
  expect(seen.toSorted()).toEqual(mine.toSorted());
});

test('a queue is changed by its owner and a caller who manages the experiment', async () => {
  const queue_id = await queueOf(owner);
  const change = () => ({ queue_id, name: unique('renamed') });
  expect(await passing((who) => post(who, 'update', change()))).toEqual([owner, manager]);
});

test('only a caller who manages the experiment names another owner, whose the queue then is', async () => {
  const queue_id = await queueOf(owner);
  for (const give of [{ new_owner: editor.username }, { newOwner: editor.username }]) {
    expect(await passing((who) => post(who, 'update', { queue_id, ...give }))).toEqual([manager]);
  }
  expect(await passing((who) => get(who, `get?queue_id=${queue_id}`))).toEqual([editor, manager]);
});

test('a custom queue is deleted and emptied by its owner and a caller who manages the experiment', async () => {
  const trace = await startTrace(manager, experiment);
  const queue_id = await queueOf(owner);
  const items = { queue_id, item_ids: [trace] };
  expect(await passing((who) => post(who, 'items/add', items))).toEqual([editor, owner, manager]);
  expect(await passing((who) => post(who, 'items/remove', items))).toEqual([owner, manager]);
  for (const who of [stranger, reader, editor]) {
    expect((await post(who, 'delete', { queue_id })).status).toBe(403);
  }
  expect((await post(owner, 'delete', { queue_id })).status).toBe(200);
});

test('a reviewer with EDIT answers, under his own name', async () => {
  const trace = await startTrace(manager, experiment);
  const queue_id = await queueOf(owner, editor, reader);
  await post(owner, 'items/add', { queue_id, item_ids: [trace] });
  const set = (status: string, more = {}) => ({ queue_id, item_id: trace, status, ...more });
  const complete = set('COMPLETE', { completed_by: owner.username });
  expect(await passing((who) => post(who, 'items/set-status', complete))).toEqual([editor]);
  const { json } = await get(manager, `items/list?queue_id=${queue_id}`);
  expect(json.items[0].completed_by).toBe(editor.username.toLowerCase());
  expect((await post(editor, 'items/set-status', set('PENDING'))).status).toBe(200);
});

test('a custom queue has no name of a user, in whatever case', async () => {
  for (const name of [reader.username, reader.username.toUpperCase(), ` ${reader.username}`]) {
    expect((await newQueue(owner, { name })).status).toBe(400);
    expect((await post(owner, 'update', { queue_id: await queueOf(owner), name })).status).toBe(400);
  }
});

test("a user's own queue is made by that user, or by a caller who manages the experiment", async () => {
  const mine = (user: string) => ({ experiment_id: experiment, user });
  expect((await post(owner, 'get-or-create-user', mine(editor.username))).status).toBe(403);
  expect((await post(owner, 'get-or-create-user', mine(owner.username))).status).toBe(200);
  expect((await post(manager, 'get-or-create-user', mine(editor.username))).status).toBe(200);
  expect((await newQueue(owner, { name: reader.username, queue_type: 'USER' })).status).toBe(403);
  expect((await newQueue(owner, { name: reader.username, queueType: 1 })).status).not.toBe(200);
  // It stays, though it is its user's: its end is the manager's to decide.
  const { json } = await post(owner, 'get-or-create-user', mine(owner.username));
  const { queue_id } = json.review_queue;
  expect((await post(owner, 'delete', { queue_id })).status).toBe(403);
  expect((await post(manager, 'delete', { queue_id })).status).toBe(200);
});

test('an owner who may no longer edit the experiment may no longer change the queue', async () => {
  const passing = await gateway.person('passing');
  await grant(manager, passing, { experiment }, 'EDIT');
  const queue_id = await queueOf(passing);
  const to = { experiment_id: experiment, username: passing.username, permission: 'READ' };
  expect((await manager.patch('/api/2.0/mlflow/experiments/permissions/update', to)).status).toBe(200);
  expect((await post(passing, 'update', { queue_id, name: unique('mine') })).status).toBe(403);
  expect((await get(passing, `get?queue_id=${queue_id}`)).status).toBe(403);
});

test('a custom queue does not take the place of a user’s own by blanks that MLflow takes off', async () => {
  for (const blank of ['\u0085', '\u001c', '\u001f', '\u2028', ' ']) {
    for (const name of [`${editor.username}${blank}`, `${blank}${editor.username.toUpperCase()}`]) {
      expect([name, (await newQueue(owner, { name })).status]).toEqual([name, 400]);
    }
  }
  const own = await post(editor, 'get-or-create-user', { experiment_id: experiment, user: editor.username });
  expect(own.status).toBe(200);
});

describe('a caller who has the name of a former user', () => {
  /** Another user under the name of a user who is gone. */
  async function succeed(former: Person): Promise<Person> {
    const { username, password } = former;
    const gone = await gateway.admin.delete('/api/2.0/mlflow/users/delete', { username });
    expect(gone.status).toBe(200);
    const made = await gateway.admin.post('/api/2.0/mlflow/users/create', { username, password });
    expect(made.status).toBe(200);
    await grant(manager, former, { experiment }, 'EDIT');
    return former;
  }

  async function newEditor(): Promise<Person> {
    const person = await gateway.person('former');
    await grant(manager, person, { experiment }, 'EDIT');
    return person;
  }

  test('is none of the reviewers whom a queue named before, nor its owner', async () => {
    const former = await newEditor();
    const trace = await startTrace(manager, experiment);
    const reviewed = await queueOf(owner, former, reader);
    await post(owner, 'items/add', { queue_id: reviewed, item_ids: [trace] });
    const given = await queueOf(owner);
    await post(manager, 'update', { queue_id: given, new_owner: former.username });
    const done = { queue_id: reviewed, item_id: trace, status: 'COMPLETE' };
    expect((await get(former, `get?queue_id=${reviewed}`)).status).toBe(200);
    expect((await get(former, `get?queue_id=${given}`)).status).toBe(200);

    const later = await succeed(former);
    for (const queue of [reviewed, given]) {
      expect((await get(later, `get?queue_id=${queue}`)).status).toBe(403);
      expect((await get(later, `items/list?queue_id=${queue}`)).status).toBe(403);
    }
    expect((await post(later, 'items/set-status', done)).status).toBe(403);
    expect((await post(later, 'update', { queue_id: given, name: unique('mine') })).status).toBe(403);
    const to = { experiment_id: experiment, username: later.username, permission: 'READ' };
    await manager.patch('/api/2.0/mlflow/experiments/permissions/update', to);
    expect((await get(later, `list?experiment_id=${experiment}`)).text).not.toContain(reviewed);
    expect((await get(reader, `list?experiment_id=${experiment}`)).text).toContain(reviewed);
  });

  test('does not become one by another change, and does when named anew', async () => {
    const former = await newEditor();
    const queue_id = await queueOf(owner, former, reader);
    const later = await succeed(former);
    const renamed = () => ({ queue_id, name: unique('renamed') });
    expect((await post(owner, 'update', renamed())).status).toBe(400);
    expect((await get(later, `get?queue_id=${queue_id}`)).status).toBe(403);
    expect((await get(reader, `get?queue_id=${queue_id}`)).status).toBe(200);
    const named = { ...renamed(), users: [later.username, reader.username] };
    expect((await post(owner, 'update', named)).status).toBe(200);
    expect((await get(later, `get?queue_id=${queue_id}`)).status).toBe(200);
    expect((await post(owner, 'update', renamed())).status).toBe(200);
  });

  test('does not get the queue that the former user had alone', async () => {
    const former = await newEditor();
    const mine = { experiment_id: experiment, user: former.username };
    const { queue_id } = (await post(former, 'get-or-create-user', mine)).json.review_queue;
    const later = await succeed(former);
    expect((await post(later, 'get-or-create-user', mine)).status).toBe(403);
    expect((await get(later, `get?queue_id=${queue_id}`)).status).toBe(403);
    const byName = `get-by-name?experiment_id=${experiment}&name=${former.username.toLowerCase()}`;
    expect((await get(later, byName)).status).toBe(403);
    expect((await post(manager, 'delete', { queue_id })).status).toBe(200);
    const own = await post(later, 'get-or-create-user', mine);
    expect(own.status).toBe(200);
    expect((await get(later, `get?queue_id=${own.json.review_queue.queue_id}`)).status).toBe(200);
  });
});
