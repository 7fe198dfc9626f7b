/**
 * A scope cuts before anything else is asked: every row of the table with each kind of token, whose user may do
 * everything there is. What passes is worked out here from the row alone; refused means that nothing arrived upstream.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import { NOWHERE } from '../../src/mlflow/things/identifiers.ts';
import { ROOT_KINDS } from '../../src/policy/resources.ts';
import { SECTIONS } from '../../src/routes.ts';
import { type Everybody, FOREIGN, OURS, startEverybody } from '../support/everybody.ts';
import type { Person } from '../support/gateway.ts';
import { type Ids, ORGANIZATION, type SampleRequest, sampleRequests } from '../support/sample-request.ts';
import { byToken, makeToken } from '../support/tokens.ts';

/** What of some ids holds grants; a skill may be one of an organization. */
const rootsOf = (ids: Ids) => [
  ...ROOT_KINDS.map((kind) => ({ kind, id: ids[kind] })),
  { kind: 'skill', id: `@${ORGANIZATION}/${ids.skill}` } as const,
];

const on = (ids: Ids) => ({
  resources: rootsOf(ids)
    .filter(({ kind }) => kind !== 'workspace')
    .map(({ kind, id }) => ({ resource_type: kind, resource_id: id })),
});

/** What a token is made for. */
const SCOPES = {
  reading: { access: 'read' },
  ours: on(OURS),
  'reading ours': { access: 'read', ...on(OURS) },
  foreign: on(FOREIGN),
} as const;
type Scope = keyof typeof SCOPES;

/** Users whose rights the scopes of their tokens cut. */
const USERS = ['owner', 'administrator', 'chief', 'nobody'] as const;
type User = (typeof USERS)[number];

let everybody: Everybody;
const passwords = new Map<User, Person>();
const tokens = new Map<string, Person>();

const by = (user: User, scope: Scope | 'whole'): Person => {
  const person = tokens.get(`${user} ${scope}`);
  if (person === undefined) {
    throw new Error(`${user} has no such token`);
  }
  return person;
};

/** The owner may do everything to ours and to what is foreign. */
async function grantAll(): Promise<void> {
  const { store } = everybody.gateway.server;
  const owner = await store.users.get(passwords.get('owner')?.username ?? '');
  await store.atOnce(async ({ grants }) => {
    for (const { kind, id } of [OURS, FOREIGN].flatMap(rootsOf)) {
      await grants.create(owner?.id ?? 0, kind, id, 'MANAGE');
    }
  });
}

beforeAll(async () => {
  everybody = await startEverybody();
  const { gateway } = everybody;
  for (const user of USERS) {
    passwords.set(user, await gateway.person(user));
  }
  await grantAll();
  const { roles, users } = gateway.server.store;
  // An admin who makes nothing, and so holds nothing but the flag.
  const chief = await users.get(passwords.get('chief')?.username ?? '');
  await users.setAdmin(chief?.id ?? 0, true);
  // By a role, as no single user is made an administrator of the workspace.
  const role = await roles.create({ name: 'administrators' });
  await roles.addPermission(role.id, 'workspace', '*', 'MANAGE');
  const administrator = await users.get(passwords.get('administrator')?.username ?? '');
  await roles.assign(administrator?.id ?? 0, role.id);
  for (const [user, person] of passwords) {
    for (const [name, scope] of [['whole', null] as const, ...Object.entries(SCOPES)]) {
      tokens.set(`${user} ${name}`, byToken(gateway.url, (await makeToken(person, { scope })).secret));
    }
  }
});
afterAll(() => everybody.close());

const hasRule = ({ rules }: Operation, ...names: string[]) => rules.some(({ rule }) => names.includes(rule));
const isGraphql = ({ path, need }: Operation) => path === '/graphql' && need !== 'nobody';
const isCutDown = (operation: Operation) =>
  hasRule(operation, 'keep', 'narrow', 'judge-reply') || isGraphql(operation);
/** Rows that name nothing, and that a judge of their own finds out about. */
const isJob = ({ rules }: Operation) => rules.some((rule) => rule.rule === 'special' && rule.name === 'job');

/** Whether judges of their own may refuse a row besides: tests of theirs say when. */
const isJudgedFurther = ({ rules }: Operation) =>
  rules.some((rule) => rule.rule === 'special' && rule.name !== 'graphql' && rule.name !== 'otlp');

/** No scope holds a workspace, which is everything. */
const touchesThings = ({ locators }: Operation) =>
  locators.some(({ kind }) => kind !== 'user' && kind !== 'workspace');

/** These are judged by what the request names, and here it names nothing. */
const isUnfinished = ({ rules }: Operation) =>
  rules.some((rule) => rule.rule === 'special' && ['grantable', 'explainable'].includes(rule.name));

function reads({ need, method, locators, rules }: Operation): boolean {
  const looks = rules.some(
    (rule) =>
      rule.rule === 'keep' ||
      rule.rule === 'narrow' ||
      rule.rule === 'answer' ||
      (rule.rule === 'special' && rule.name === 'graphql'),
  );
  const onlyReads = need === 'read' || (need === 'signed-in' && (method === 'GET' || looks));
  return onlyReads && locators.every(({ action }) => action === undefined || action === 'read');
}

const makesRoots = ({ rules }: Operation) =>
  rules.some((rule) => rule.rule === 'rename' || (rule.rule === 'adopt' && rule.kind !== 'scorer'));

/** Whether a token of a user who may do everything passes, with a request about ours. */
function passes(scope: Scope, operation: Operation): boolean {
  const { need, locators } = operation;
  if (need === 'public') {
    return true;
  }
  const isAboutAnother = locators.some(({ kind }) => kind === 'user');
  if (need === 'nobody' || need === 'admin' || isAboutAnother) {
    return false;
  }
  if (scope.startsWith('reading') && !reads(operation)) {
    return false;
  }
  if (scope === 'reading' || hasRule(operation, 'in-any-scope')) {
    return true;
  }
  if (makesRoots(operation)) {
    return false;
  }
  return scope === 'foreign'
    ? isCutDown(operation) && !touchesThings(operation) && !hasRule(operation, 'judge-reply')
    : touchesThings(operation) || isCutDown(operation) || isJob(operation);
}

const told = (scope: string, { method, target, by: named }: SampleRequest, status: number, text: string) =>
  `${scope}: ${method} ${target} (${named}) gives ${status} ${text.slice(0, 200)}`;

/** Refusals that MLflow's clients get as an empty answer: MLflow is asked about what is not there. */
const isAnsweredEmpty = (operation: Operation) =>
  (hasRule(operation, 'narrow') && operation.locators.length === 0) || isGraphql(operation);

/** A list of what is ours and what is foreign, in the form of a row's reply. */
function replyTo(operation: Operation): unknown {
  const { rules } = operation;
  if (isJudgedFurther(operation)) {
    return undefined;
  }
  const keeps = rules.filter((rule) => rule.rule === 'keep');
  const [first] = keeps;
  // What is named below something of ours is ours, however it is called.
  if (first === undefined || first.below !== undefined) {
    return undefined;
  }
  const rowOf = (ids: Ids) =>
    Object.fromEntries(
      keeps.flatMap(({ id, kind }) => {
        const columns = id.split('/');
        return columns.map((column, index) => [
          column,
          columns.length === 1 ? ids[kind] : ids[kind].split('/')[index],
        ]);
      }),
    );
  return { [first.list]: [rowOf(OURS), rowOf(FOREIGN)] };
}

/** What is wrong with the answer to the owner's token; undefined if nothing is. */
async function wrong(scope: Scope, request: SampleRequest): Promise<string | undefined> {
  const { operation } = request;
  const reply = replyTo(operation);
  const { status, text, arrived, asked } = await everybody.send(
    by('owner', scope),
    request,
    reply === undefined ? {} : { reply },
  );
  const say = (what: string) => `${what} ${told(scope, request, status, text)}`;
  const hides = scope === 'foreign' ? OURS : scope.endsWith('ours') ? FOREIGN : undefined;
  if (hides !== undefined && status === 200 && reply !== undefined && shows(text, hides)) {
    return say('SHOWS');
  }
  if (passes(scope, operation)) {
    const isOwn = hasRule(operation, 'serve', 'answer');
    const isThere = isOwn ? status !== 401 && status !== 403 : status === 200 && arrived !== undefined;
    const isEmpty = scope === 'foreign' && isAnsweredEmpty(operation) && status === 200;
    const mayBe = isJudgedFurther(operation) && status === 403;
    return isThere || isEmpty || mayBe ? undefined : say('IS REFUSED');
  }
  const asksNothing = hasRule(operation, 'narrow') && `${asked} ${arrived}`.includes(NOWHERE);
  const mayArrive = hasRule(operation, 'judge-reply') || asksNothing;
  const isRefused =
    status === 403 ||
    (status === 400 && isUnfinished(operation)) ||
    (isAnsweredEmpty(operation) && status === 200);
  return isRefused && (arrived === undefined || mayArrive) ? undefined : say('PASSES');
}

function shows(text: string, ids: Ids): boolean {
  const named = Object.values(ids).filter((id) => id.length > 8);
  return named.some((id) => text.includes(id)) || text.includes(`"${ids.experiment}"`);
}

/** How the answers to two callers differ, but for their names; undefined if they do not. */
async function differ(
  [one, other]: readonly [Caller, Caller],
  request: SampleRequest,
): Promise<string | undefined> {
  const answers = [await answerTo(one, request), await answerTo(other, request)];
  return answers[0] === answers[1]
    ? undefined
    : `${one.join(' ')}: ${request.method} ${request.target} gives ${answers.join(', NOT ')}`;
}

type Caller = readonly [User, Scope | 'whole' | 'password'];

async function answerTo([user, how]: Caller, request: SampleRequest): Promise<string> {
  const { operation } = request;
  const reply = replyTo(operation);
  const password = passwords.get(user) ?? everybody.gateway.anonymous;
  const answer = await everybody.send(
    how === 'password' ? password : by(user, how),
    request,
    reply === undefined ? {} : { reply },
  );
  if (answer.arrived !== undefined && hasRule(operation, 'rename', 'forget')) {
    await grantAll();
  }
  const told = [answer.status, answer.arrived, operation.isOwn ? undefined : answer.text];
  return JSON.stringify(told)
    .replaceAll(password.username, 'NAME')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'REQUEST');
}

const sections = Object.entries(SECTIONS).map(([section, rows]) => ({
  section,
  named: operationsOf(rows).map((operation) => ({ name: operation.name, operation })),
}));

/** Neither the admin flag nor the administration of the workspace is looked at before the scope. */
const ALIKE: readonly (readonly [Caller, Caller])[] = [
  [
    ['chief', 'reading'],
    ['nobody', 'reading'],
  ],
  [
    ['chief', 'ours'],
    ['nobody', 'ours'],
  ],
  [
    ['administrator', 'ours'],
    ['owner', 'ours'],
  ],
  [
    ['owner', 'whole'],
    ['owner', 'password'],
  ],
];

describe.each(sections)('$section', ({ named }) => {
  test.each(named)('$name', async ({ operation }) => {
    const problems: (string | undefined)[] = [];
    for (const request of sampleRequests(operation, OURS)) {
      for (const scope of Object.keys(SCOPES) as Scope[]) {
        problems.push(await wrong(scope, request));
        if (passes(scope, operation) && hasRule(operation, 'rename', 'forget')) {
          await grantAll();
        }
      }
      for (const [one, other] of ALIKE) {
        problems.push(await differ([one, other], request));
      }
    }
    expect(problems.filter((each) => each !== undefined)).toEqual([]);
  });
});
