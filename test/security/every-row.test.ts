/**
 * Every row of the table against everybody: what a row needs is what it takes, no less and no more. The
 * expectation is worked out here from the row's need alone; the requests are made from its locators.
 * Refused means that nothing arrived upstream.
 */
import { describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import type { Locator } from '../../src/mlflow/table/row.ts';
import { noneOf } from '../../src/mlflow/things/identifiers.ts';
import { SECTIONS } from '../../src/routes.ts';
import { OURS, ROLES, type Role } from '../support/everybody.ts';
import { type SampleRequest, sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

/** The weakest of {@link ROLES} that may pass, by what a row or locator asks for. */
const WEAKEST = {
  public: 'anonymous',
  'signed-in': 'no grant',
  read: 'READ',
  use: 'USE',
  update: 'EDIT',
  delete: 'MANAGE',
  manage: 'MANAGE',
  admin: 'admin',
} as const satisfies Record<string, Role>;

const hasRule = ({ rules }: Operation, ...names: string[]) => rules.some(({ rule }) => names.includes(rule));
const isGraphql = ({ path, need }: Operation) => path === '/graphql' && need !== 'nobody';

/**
 * Rows that hold more against a caller than their need: a caller who is too weak is refused all the same, and
 * one who is not may yet be. Tests of their own say when.
 */
const isJudgedFurther = ({ rules }: Operation) =>
  rules.some((rule) => rule.rule === 'special' && rule.name !== 'graphql' && rule.name !== 'otlp');

/** Refusals that MLflow's clients get as an empty answer: MLflow is asked about what is not there. */
const isAnsweredEmpty = (operation: Operation) =>
  (hasRule(operation, 'narrow') && operation.locators.length === 0) || isGraphql(operation);

/** The weakest role that passes; undefined if nobody does. */
function weakestFor(operation: Operation): Role | undefined {
  if (operation.need === 'nobody') {
    return undefined;
  }
  // These ask about an experiment of ours in a way that no locator tells.
  const reads = isGraphql(operation) || hasRule(operation, 'judge-reply', 'narrow');
  const needs = [
    WEAKEST[operation.need],
    ...(reads ? [WEAKEST.read] : []),
    ...operation.locators.map((locator) => weakestOn(locator, operation)),
  ];
  return needs.reduce((a, b) => (ROLES.indexOf(a) > ROLES.indexOf(b) ? a : b));
}

function weakestOn({ kind, action }: Locator, { need }: Operation): Role {
  // The user asked about is none of the roles.
  if (kind === 'user' || need === 'nobody') {
    return 'admin';
  }
  return WEAKEST[action ?? need];
}

const everybody = useEverybody();

const told = (role: Role, { method, target, by }: SampleRequest, status: number, text: string) =>
  `${role}: ${method} ${target} (${by}) gives ${status} ${text.slice(0, 200)}`;

/** What is wrong with the answer to a user who may not pass; undefined if nothing is. */
async function wrongRefusal(role: Role, request: SampleRequest, method = request.method) {
  const { operation } = request;
  const { status, text, arrived, asked } = await everybody.send(role, request, { method });
  const refusal = role === 'anonymous' ? 401 : isAnsweredEmpty(operation) ? 200 : 403;
  const asksNothing = operation.rules.some(
    (rule) => rule.rule === 'narrow' && `${asked} ${arrived}`.includes(noneOf(rule.kind)),
  );
  const mayArrive = role !== 'anonymous' && (hasRule(operation, 'judge-reply') || asksNothing);
  if (status === refusal && (arrived === undefined || mayArrive)) {
    return undefined;
  }
  // MLflow looks for what HEAD asks about in its body: where GET would be judged by the reply, HEAD is not served.
  if (method === 'HEAD' && status === 405 && arrived === undefined) {
    return undefined;
  }
  return told(role, { ...request, method }, status, arrived === undefined ? text : `AND ARRIVED ${text}`);
}

/** What is wrong with the answer to a user who may pass; undefined if nothing is. */
async function wrongPassage(role: Role, request: SampleRequest) {
  const { operation } = request;
  const { status, text, arrived } = await everybody.send(role, request);
  const isOwn = hasRule(operation, 'serve', 'answer');
  const passed = isOwn ? status !== 401 && status !== 403 : status === 200 && arrived !== undefined;
  if (passed || (isJudgedFurther(operation) && role !== 'admin' && status === 403)) {
    return undefined;
  }
  return told(role, request, status, arrived === undefined ? `and never arrived ${text}` : text);
}

const sections = Object.entries(SECTIONS).map(([section, rows]) => ({
  section,
  named: operationsOf(rows).map((operation) => ({ name: operation.name, operation })),
}));

describe.each(sections)('$section', ({ named }) => {
  test.each(named)('$name', async ({ operation }) => {
    const weakest = weakestFor(operation);
    const wrong: (string | undefined)[] = [];
    for (const request of sampleRequests(operation, OURS)) {
      for (const role of ROLES) {
        if (weakest === undefined || ROLES.indexOf(role) < ROLES.indexOf(weakest)) {
          wrong.push(await wrongRefusal(role, request));
          if (operation.method === 'GET') {
            wrong.push(await wrongRefusal(role, request, 'HEAD'));
          }
        } else {
          wrong.push(await wrongPassage(role, request));
          if (hasRule(operation, 'adopt', 'rename', 'forget')) {
            await everybody.grantAll();
          }
        }
      }
    }
    expect(wrong.filter((each) => each !== undefined)).toEqual([]);
  });
});
