import { beforeAll } from 'vitest';
import { type Person, type Received, type Sent, type Settings, unique } from './gateway.ts';
import { useGateway, useMlflow } from './use-gateway.ts';

const API2 = '/api/2.0/mlflow';
const API3 = '/api/3.0/mlflow';

/** A user in one workspace: what is sent says which. */
export function inWorkspace(person: Person, workspace: string): Person {
  const send = (method: string, target: string, sent: Sent = {}): Promise<Received> =>
    person.send(method, target, { ...sent, headers: { 'x-mlflow-workspace': workspace, ...sent.headers } });
  return {
    ...person,
    send,
    get: (target, sent) => send('GET', target, sent),
    post: (target, json) => send('POST', target, { json }),
    patch: (target, json) => send('PATCH', target, { json }),
    delete: (target, json) => send('DELETE', target, json === undefined ? {} : { json }),
  };
}

/** The id of a role of a workspace, by its name. */
export async function roleId(admin: Person, workspace: string, name: string): Promise<number> {
  const { json } = await admin.get(`${API3}/roles/list?workspace=${workspace}`);
  return json.roles.find((role: { name: string }) => role.name === name).id;
}

/** Makes a user a member of a role of a workspace. */
export async function assign(admin: Person, workspace: string, role: string, to: Person): Promise<void> {
  const answer = await admin.post(`${API3}/roles/assign`, {
    username: to.username,
    role_id: await roleId(admin, workspace, role),
  });
  if (answer.status !== 200) {
    throw new Error(`no member: ${answer.text}`);
  }
}

/**
 * A gateway in front of an MLflow with two workspaces, `a` and `b`. alice is a member of the first and bob of the second,
 * by MLflow's role `user`; ann and ben administer them, and carol is in neither.
 */
export function useWorkspaces(version: string, settings: Settings = {}) {
  const mlflow = useMlflow({ version, args: ['--enable-workspaces'] });
  const used = useGateway({
    upstream: () => mlflow.socketUri,
    settings,
    people: ['alice', 'bob', 'ann', 'ben', 'carol'],
  });
  const names = { a: unique('team-a'), b: unique('team-b') };
  beforeAll(async () => {
    const { admin, alice, bob, ann, ben } = used;
    for (const name of Object.values(names)) {
      const made = await admin.post(`${API3}/workspaces`, { name });
      if (made.status !== 201) {
        throw new Error(`no workspace: ${made.text}`);
      }
    }
    await assign(admin, names.a, 'user', alice);
    await assign(admin, names.b, 'user', bob);
    await assign(admin, names.a, 'admin', ann);
    await assign(admin, names.b, 'admin', ben);
  });
  return { ...used, mlflow, names };
}

/** Registers a model as a user; answers its name. */
export async function createModel(by: Person, name = unique('model')): Promise<string> {
  const answer = await by.post(`${API2}/registered-models/create`, { name });
  if (answer.status !== 200) {
    throw new Error(`no model: ${answer.text}`);
  }
  return name;
}
