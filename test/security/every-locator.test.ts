/**
 * Invariant 9: everything that a request names counts. A user who manages all that a request names but
 * one thing is refused, whichever thing it is and by whichever of its names it is called: no row takes its
 * caller's word on a second resource.
 */
import { describe, expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/routes.ts';
import { FOREIGN, OURS } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

const named = operationsOf(ROUTES)
  .filter(({ need }) => need !== 'nobody' && need !== 'admin' && need !== 'public')
  .flatMap((operation) =>
    operation.locators.map((locator) => ({
      name: operation.name,
      what: `${locator.kind} in ${locator.from.join(' or ')}`,
      operation,
      locator,
    })),
  );

test('there are rows that name several things', () => {
  expect(named.length).toBeGreaterThan(150);
});

describe('a foreign thing is refused in', () => {
  test.each(named)('$name: $what', async ({ operation, locator }) => {
    for (const request of sampleRequests(operation, OURS, { locator, ids: FOREIGN })) {
      const { status, arrived } = await everybody.send('MANAGE', request);
      expect.soft({ request: request.target, by: request.by, status, arrived }).toMatchObject({
        status: 403,
        arrived: undefined,
      });
    }
  });
});

describe('two names for one thing that differ are refused in', () => {
  const twice = named.filter(({ locator }) => !locator.from.some((from) => from.includes('[]')));
  const cases = twice.flatMap((each) => {
    const { operation, locator } = each;
    const [first, second] = locator.from.filter(
      (from) => !from.startsWith(operation.method === 'GET' ? 'body.' : 'query.'),
    );
    return first !== undefined && second !== undefined ? [{ ...each, first, second }] : [];
  });

  test.each(cases)('$name: $first and $second', async ({ operation, locator, first, second }) => {
    const both = { ...operation, locators: operation.locators.filter((each) => each !== locator) };
    const ours = { ...locator, from: [first] };
    const foreign = { ...locator, from: [second] };
    for (const [a, b] of [
      [ours, foreign],
      [foreign, ours],
    ] as const) {
      const twoNames = { ...both, locators: [...both.locators, a, b] };
      for (const request of sampleRequests(twoNames, OURS, { locator: foreign, ids: FOREIGN })) {
        const { status, arrived } = await everybody.send('MANAGE', request);
        expect.soft({ by: request.by, status, arrived }).toMatchObject({ status: 400, arrived: undefined });
      }
    }
  });
});
