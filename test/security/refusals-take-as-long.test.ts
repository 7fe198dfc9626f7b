/**
 * How long a refusal takes tells nothing: MLflow is asked as often about what is hidden as about what is not there.
 * A run is the exception: its id is 128 random bits, which nobody guesses.
 */
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createJudge, type Judge } from '../../src/gateway/judge/judge.ts';
import { judgeAll } from '../../src/gateway/judge/judge-all.ts';
import type { SignedIn } from '../../src/identity/principal.ts';
import { CHILD_KINDS, type ReferenceKind } from '../../src/mlflow/table/row.ts';
import { createArtifactHomes } from '../../src/mlflow/things/artifact-homes.ts';
import { createLineage } from '../../src/mlflow/things/lineage.ts';
import { createStoredName } from '../../src/mlflow/things/stored-names.ts';
import { createUpstream, type Upstream } from '../../src/mlflow/upstream/upstream.ts';
import { type AnsweringUpstream, startAnsweringUpstream } from '../support/answering-upstream.ts';
import { FOREIGN, OURS } from '../support/everybody.ts';

/** A user without a grant. */
const CALLER: SignedIn = {
  kind: 'user',
  id: 1,
  username: 'alice',
  isAdmin: false,
  ceiling: undefined,
  mustChangePassword: false,
  credential: { kind: 'password' },
  grantsOn: () => [],
  grantsOfKind: () => [],
  workspace: 'default',
  standingIn: () => ({ grantsOn: () => [], grantsOfKind: () => [], isPresent: false }),
};

const KINDS = [...CHILD_KINDS.filter((kind) => kind !== 'run'), 'gemini_call'] as const;
/** Which of them clients name or MLflow moves, so that no answer about them is remembered. */
const NEVER_REMEMBERED = ['trace', 'dataset', 'gateway_endpoint_name', 'gemini_call'] as const;
const MISSING = 'missing';
const missingOf = (kind: ReferenceKind) => (kind === 'gemini_call' ? `${MISSING}:generateContent` : MISSING);

let answering: AnsweringUpstream;
let real: Upstream;
let asked: string[];

beforeAll(async () => {
  answering = await startAnsweringUpstream(OURS, FOREIGN);
  real = createUpstream({ uri: answering.uri, timeoutSeconds: 5, connections: 5, clock: () => 0 });
});
afterAll(async () => {
  await real.close();
  await answering.close();
});

/** The answering upstream as if it were of a version, and without what is called missing. */
function judgeInFrontOf(version: string | undefined): Judge {
  const upstream: Upstream = {
    ...real,
    version: async () => version,
    exchange: async (exchange) => {
      asked.push(exchange.target);
      return exchange.target.includes(MISSING)
        ? { status: 404, headers: {}, bytes: Buffer.from('{}') }
        : real.exchange(exchange);
    },
  };
  const lineage = createLineage(upstream);
  return createJudge({
    lineage,
    artifactHomes: createArtifactHomes(upstream, lineage),
    storedName: createStoredName(upstream),
    defaultPermission: 'NO_PERMISSIONS',
    keepsExperiments: () => true,
  });
}

async function askedFor(judge: Judge, kind: ReferenceKind, id: string): Promise<number> {
  asked = [];
  const request = { way: { judged: [], because: '' } } as unknown as FastifyRequest;
  const refused = async () => judgeAll(request, CALLER, [{ kind, id, action: 'read' }], judge);
  await expect(refused()).rejects.toMatchObject({ status: expect.toBeOneOf([403, 404]) });
  return asked.length;
}

describe.each(['3.17.2', '3.10.1', '2.15.1', undefined])('in front of MLflow %s', (version) => {
  test.each(KINDS)('%s: the first refusal', async (kind) => {
    const missing = await askedFor(judgeInFrontOf(version), kind, missingOf(kind));
    expect(missing).toBeGreaterThan(0);
    expect(await askedFor(judgeInFrontOf(version), kind, OURS[kind])).toBe(missing);
  });

  test.each(NEVER_REMEMBERED)('%s: every other refusal', async (kind) => {
    const judge = judgeInFrontOf(version);
    await askedFor(judge, kind, missingOf(kind));
    await askedFor(judge, kind, OURS[kind]);
    expect(await askedFor(judge, kind, OURS[kind])).toBe(await askedFor(judge, kind, missingOf(kind)));
  });
});
