/**
 * Invariant 3: what MLflow, or something between, answers where a reply is read is understood, or is a 503: it is no
 * fault of the gateway, and nothing of it is shown.
 */
import { describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/mlflow/table/routes.ts';
import { OURS } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

const has = ({ rules }: Operation, ...names: readonly string[]) =>
  rules.some(({ rule }) => names.includes(rule));
const operations = operationsOf(ROUTES)
  .filter((operation) => has(operation, 'keep', 'judge-reply', 'redact', 'allowed-actions', 'learn', 'own'))
  .map((operation) => ({ name: operation.name, operation }));

/** The list that a row's reply is expected to have, or any. */
function listOf({ rules }: Operation): string {
  for (const rule of rules) {
    if ('list' in rule && rule.list !== undefined) {
      return rule.list;
    }
  }
  return 'rows';
}

const ANSWERS: readonly (readonly [string, (operation: Operation) => Buffer])[] = [
  ['a page of some proxy', () => Buffer.from('<html>We are back soon</html>')],
  ['nothing', () => Buffer.alloc(0)],
  ['JSON that is cut off', (operation) => Buffer.from(`{"${listOf(operation)}":[{"name":"a`)],
  ['null', () => Buffer.from('null')],
  ['a list', () => Buffer.from('[{}]')],
  ['a text', () => Buffer.from('"a"')],
];
const LISTS: typeof ANSWERS = [
  ['null in its list', (operation) => Buffer.from(`{"${listOf(operation)}":[null]}`)],
  ['an object for its list', (operation) => Buffer.from(`{"${listOf(operation)}":{"name":"a"}}`)],
];
const DEEP = (operation: Operation) =>
  Buffer.from(`{"${listOf(operation)}":[{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`);

async function send(operation: Operation, reply: Buffer, status?: number) {
  const [request] = sampleRequests(operation, OURS);
  if (request === undefined) {
    throw new Error('no request');
  }
  // What a judge of its own asks for besides, no sample has; such replies are read for an admin too.
  const role = has(operation, 'special') && !has(operation, 'keep') ? 'admin' : 'MANAGE';
  return everybody.send(role, request, { reply, ...(status && { status }) });
}

const refusal = { status: 503, json: { error_code: 'TEMPORARILY_UNAVAILABLE' } };

describe.each(operations)('$name', ({ operation }) => {
  test('a reply that is no JSON object is a 503', async () => {
    const hasList = operation.rules.some((rule) => 'list' in rule && rule.list !== undefined);
    for (const [what, reply] of hasList ? [...ANSWERS, ...LISTS] : ANSWERS) {
      expect({ what, ...(await send(operation, reply(operation))) }).toMatchObject({ what, ...refusal });
    }
  });

  test('a reply that is nested very deeply is no failure of the gateway', async () => {
    const { status } = await send(operation, DEEP(operation));
    // 403 where the reply does not name what it is judged by.
    expect(status).toBeOneOf([200, 403, 503]);
  });

  test('a status that HTTP does not have is a 503', async () => {
    expect(await send(operation, Buffer.from('{}'), 999)).toMatchObject(refusal);
  });
});

test('nor has an answer that is passed on as it comes', async () => {
  const [operation] = operationsOf(ROUTES).filter(({ name }) => name === 'GET 2.0 experiments/get');
  if (operation === undefined) {
    throw new Error('no such row');
  }
  expect(await send(operation, Buffer.from('{}'), 999)).toMatchObject(refusal);
});
