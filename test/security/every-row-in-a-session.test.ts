/**
 * Every row of the table to a user in a browser: a session is let in where the password is, and nowhere else, and what
 * another site has the browser of an admin send changes nothing, whatever row it is.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { effectOf } from '../../src/mlflow/table/effect.ts';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import { SECTIONS } from '../../src/routes.ts';
import { OURS, type Role } from '../support/everybody.ts';
import type { Person } from '../support/gateway.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

/** One who may do little, and one who may do much. */
const JUDGED = ['stranger', 'EDIT'] as const satisfies readonly Role[];

const people = new Map<Role, Person>();
const elsewhere: Person[] = [];

beforeAll(async () => {
  for (const role of JUDGED) {
    people.set(role, await everybody.inSession(role));
  }
  elsewhere.push(
    await everybody.inSession('admin', { 'sec-fetch-site': 'cross-site' }),
    await everybody.inSession('admin', { origin: 'https://evil.example' }),
  );
});

/** They begin and end sessions themselves. */
const isSignIn = ({ path }: Operation) => path.startsWith('/auth/sign-');

const rows = Object.entries(SECTIONS).map(([section, of]) => ({
  section,
  named: operationsOf(of)
    .filter((operation) => !isSignIn(operation))
    .map((operation) => ({ name: operation.name, operation })),
}));

describe.each(rows)('$section', ({ named }) => {
  test.each(named)('$name', async ({ operation }) => {
    const takes = operation.rules.some(({ rule }) => ['adopt', 'rename', 'forget'].includes(rule));
    for (const request of sampleRequests(operation, OURS)) {
      for (const role of JUDGED) {
        const byPassword = await everybody.send(role, request);
        if (takes) {
          await everybody.grantAll();
        }
        const inSession = await everybody.send(people.get(role) ?? role, request);
        if (takes) {
          await everybody.grantAll();
        }
        const isRefused = ({ status }: { readonly status: number }) => status === 401 || status === 403;
        expect([role, request.target, isRefused(inSession), inSession.arrived !== undefined]).toEqual([
          ...[role, request.target, isRefused(byPassword), byPassword.arrived !== undefined],
        ]);
      }
      if (operation.method === 'GET' || effectOf(operation) === 'read') {
        continue;
      }
      for (const victim of elsewhere) {
        const { status, arrived } = await everybody.send(victim, request);
        expect([request.target, status, arrived]).toEqual([request.target, 403, undefined]);
      }
    }
  });
});
