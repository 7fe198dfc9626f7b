import type { Permission } from '../../src/policy/permissions.ts';
import { ROOT_KINDS } from '../../src/policy/resources.ts';
import { type AnsweringUpstream, PROBE, startAnsweringUpstream } from './answering-upstream.ts';
import { type Person, startGateway, type TestGateway } from './gateway.ts';
import { type Ids, ORGANIZATION, type SampleRequest } from './sample-request.ts';
import { inSession } from './sign-in.ts';

/** A user who may ask, weakest first. The stranger manages other things than those asked for. */
export const ROLES = ['anonymous', 'no grant', 'stranger', 'READ', 'USE', 'EDIT', 'MANAGE', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const GRANTED = {
  anonymous: undefined,
  'no grant': undefined,
  stranger: 'MANAGE',
  READ: 'READ',
  USE: 'USE',
  EDIT: 'EDIT',
  MANAGE: 'MANAGE',
  admin: undefined,
} as const satisfies Record<Role, Permission | undefined>;

const idsIn = (experiment: string, name: string, digit: string): Ids => {
  const hex = digit.repeat(32);
  return {
    experiment,
    registered_model: `model-${name}`,
    prompt: `model-${name}`,
    scorer: `${experiment}/judge`,
    gateway_secret: `secret-${name}`,
    gateway_endpoint: `endpoint-${name}`,
    gateway_model_definition: `definition-${name}`,
    mcp_server: `space/server-${name}`,
    skill: `skill-${name}`,
    workspace: `workspace-${name}`,
    run: hex,
    trace: `tr-${hex}`,
    logged_model: `m-${hex}`,
    dataset: `d-${hex}`,
    issue: `issue-${name}`,
    label_schema: `schema-${name}`,
    review_queue: `queue-${name}`,
    job: `job-${name}`,
    prompt_optimization_job: `optimisation-${name}`,
    user: `user-${name}`,
    artifact: `${experiment}/${hex}/artifacts/file.txt`,
    source: `runs:/${hex}/model`,
    prompt_uri: `prompts:/model-${name}/1`,
    gateway_endpoint_name: `endpoint-${name}`,
    gateway_guardrail: `guardrail-${name}`,
    scorer_id: `scorer-${name}`,
    gemini_call: `endpoint-${name}:generateContent`,
  };
};

/** What the roles hold their permission on. */
export const OURS = idsIn('7', 'ours', 'a');
/** What the stranger manages and nobody else but the admin may see. */
export const FOREIGN = idsIn('8', 'foreign', 'f');

export interface Outcome {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
  readonly json: any;
  /** The body that the upstream was sent; undefined if nothing arrived. */
  readonly arrived: string | undefined;
  /** The path and query that the upstream was asked for; undefined if nothing arrived. */
  readonly asked: string | undefined;
}

/** A gateway with a user in every role, over an upstream in which everything exists. */
export interface Everybody {
  readonly gateway: TestGateway;
  /**
   * Sends a request in a role, or as somebody else.
   *
   * @param options.reply - what the upstream answers instead of what it answers everybody.
   */
  send(
    role: Role | Person,
    request: SampleRequest,
    options?: { readonly method?: string; readonly reply?: unknown; readonly status?: number },
  ): Promise<Outcome>;
  /** The user of a role in a browser: signed in by a session, and sending what is said besides with every request. */
  inSession(role: Role, headers?: Readonly<Record<string, string>>): Promise<Person>;
  /** Gives every role its permission again, after rows that take grants away. */
  grantAll(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param version - what the upstream says it is; no release of MLflow unless said.
 * @param overrides - settings besides the default permission, which is none.
 */
export async function startEverybody(
  version?: string,
  overrides: Parameters<typeof startGateway>[1] = {},
): Promise<Everybody> {
  const upstream: AnsweringUpstream = await startAnsweringUpstream(OURS, FOREIGN, version);
  const gateway = await startGateway(upstream.uri, {
    default_permission: 'NO_PERMISSIONS',
    ...overrides,
  });
  const people = new Map<Role, Person>();
  for (const role of ROLES) {
    people.set(role, await personOf(role));
  }
  let probes = 0;

  async function personOf(role: Role): Promise<Person> {
    if (role === 'anonymous') {
      return gateway.anonymous;
    }
    return role === 'admin' ? gateway.admin : gateway.person(role.replaceAll(' ', '-').toLowerCase());
  }

  async function grantAll(): Promise<void> {
    const { users, grants } = gateway.server.store;
    for (const [role, { username }] of people) {
      const permission = GRANTED[role];
      const user = await users.get(username);
      if (permission === undefined || user === undefined) {
        continue;
      }
      const ids = role === 'stranger' ? FOREIGN : OURS;
      const held = ROOT_KINDS.map((kind) => [kind, ids[kind]] as const);
      for (const [kind, pattern] of [...held, ['skill', `@${ORGANIZATION}/${ids.skill}`] as const]) {
        const isNew = await grants.create(user.id, kind, pattern, permission);
        if (!isNew) {
          await grants.update(user.id, kind, pattern, permission);
        }
      }
    }
  }

  await grantAll();
  return {
    gateway,
    grantAll,
    async inSession(role, headers) {
      return inSession(gateway, people.get(role) ?? gateway.admin, headers);
    },
    async send(role, request, { method = request.method, reply, status: answered } = {}) {
      probes += 1;
      const probe = String(probes);
      if (reply !== undefined) {
        upstream.answer(probe, reply, answered);
      }
      const person = typeof role === 'string' ? people.get(role) : role;
      const answer = await (person ?? gateway.anonymous).send(method, request.target, {
        headers: { ...request.headers, [PROBE]: probe },
        ...(request.body !== undefined && { raw: request.body }),
      });
      const { status, text, json } = answer;
      return { status, text, json, arrived: upstream.arrived.get(probe), asked: upstream.asked.get(probe) };
    },
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}
