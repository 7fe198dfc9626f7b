import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Adoption, createAdoption } from '../../../src/gateway/adoption/adopt.ts';
import { openStore, type Store } from '../../../src/store/index.ts';
import type { IntentAction } from '../../../src/store/types.ts';

/**
 * Every pair and triple of creates, renames and deletes of two names, each carried out or not, its answer heard or lost:
 * whatever MLflow has in the end belongs to those it belongs to, and nothing is granted on what is gone.
 */
const MINUTE = 60_000;

const USERS = ['alice', 'bob', 'carol', 'dave', 'root'] as const;
type Username = (typeof USERS)[number];

interface Step {
  readonly action: 'create' | 'rename' | 'delete';
  readonly name: 'x' | 'y';
  readonly by: Username;
}

const STEPS: readonly Step[] = [
  { action: 'create', name: 'x', by: 'carol' },
  { action: 'create', name: 'x', by: 'dave' },
  { action: 'create', name: 'y', by: 'carol' },
  { action: 'rename', name: 'y', by: 'root' },
  { action: 'rename', name: 'x', by: 'root' },
  { action: 'delete', name: 'y', by: 'root' },
  { action: 'delete', name: 'x', by: 'root' },
];
const FATES = [
  { carriedOut: true, heard: true },
  { carriedOut: true, heard: false },
  { carriedOut: false, heard: true },
  { carriedOut: false, heard: false },
] as const;
type Taken = Step & (typeof FATES)[number];

/** What there is before the first step: `y` is alice's, and bob may read it; `x` too may be there, dave's. */
const BEGINNINGS = [
  { name: 'an old y', ageMs: 60 * MINUTE, withX: false },
  { name: 'a young y', ageMs: 10_000, withX: false },
  { name: 'x and y', ageMs: 10_000, withX: true },
] as const;

/** A thing upstream, and who holds what on it. */
interface Thing {
  readonly createdAt: number;
  readonly holders: readonly string[];
  readonly madeBy?: Taken;
}

let now = 1_000_000_000_000;
let cases = 0;
let things = new Map<string, Thing>();
let store: Store;
let adoption: Adoption;
const ids = new Map<Username, number>();
const idOf = (username: Username) => ids.get(username) ?? 0;

beforeAll(async () => {
  const clock = () => now;
  store = await openStore('sqlite://', { clock });
  for (const username of USERS) {
    ids.set(username, (await store.users.create({ username, passwordHash: 'x', isAdmin: false })).id);
  }
  const upstream = {
    async exchange({ target }: { readonly target: string }) {
      const name = new URL(target, 'http://x').searchParams.get('name') ?? '';
      const thing = things.get(name);
      const registered_model = { name, creation_timestamp: thing?.createdAt, last_updated_timestamp: now };
      return {
        status: thing === undefined ? 404 : 200,
        headers: {},
        bytes: Buffer.from(JSON.stringify({ registered_model })),
      };
    },
  };
  adoption = createAdoption(store, upstream, clock, pino({ level: 'silent' }));
});
afterAll(() => store.close());

const otherOf = (name: string) => (name.startsWith('x') ? `y${name.slice(1)}` : `x${name.slice(1)}`);

function carryOut(step: Taken): void {
  const { action, name, by } = step;
  const thing = things.get(name);
  if (action === 'create') {
    things.set(name, { createdAt: now, holders: [`${by} MANAGE`], madeBy: step });
    return;
  }
  things.delete(name);
  if (action === 'rename' && thing !== undefined) {
    things.set(otherOf(name), thing);
  }
}

const actionOf = ({ action, name }: Step): IntentAction =>
  action === 'rename'
    ? { action, kind: 'registered_model', name, newName: otherOf(name) }
    : { action, kind: 'registered_model', name };

async function take(step: Taken): Promise<void> {
  const { heard, carriedOut, by } = step;
  const action = actionOf(step);
  if (step.action !== 'create' && !things.has(step.name)) {
    await expect(adoption.open(action, idOf(by))).rejects.toMatchObject({ status: 404 });
    return;
  }
  const intent = await adoption.open(action, idOf(by));
  now += 500;
  if (carriedOut) {
    carryOut(step);
  }
  now += 500;
  if (!heard) {
    await adoption.unheard(intent);
  } else if (carriedOut) {
    await adoption.done(intent, action.action === 'rename' ? action.newName : action.name);
  } else {
    await adoption.refused(intent);
  }
  now += 1000;
}

async function begin({ ageMs, withX }: (typeof BEGINNINGS)[number], x: string, y: string): Promise<void> {
  things = new Map([[y, { createdAt: now, holders: ['alice MANAGE', 'bob READ'] }]]);
  await store.grants.adopt({ kind: 'registered_model', id: y, userId: idOf('alice') });
  await store.grants.create(idOf('bob'), 'registered_model', y, 'READ');
  if (withX) {
    things.set(x, { createdAt: now + 1, holders: ['dave MANAGE'] });
    await store.grants.adopt({ kind: 'registered_model', id: x, userId: idOf('dave') });
  }
  now += ageMs;
}

const holdersOf = async (name: string) =>
  (await store.grants.forResource('registered_model', name))
    .map(({ holder, permission }) => (holder.kind === 'user' ? `${holder.username} ${permission}` : ''))
    .toSorted();

/** Of two whose create of one name nobody heard of, nobody can tell whose doing it is. */
function isUndecidable({ madeBy }: Thing, taken: readonly Taken[]): boolean {
  return (
    madeBy !== undefined &&
    !madeBy.heard &&
    taken.some(
      (other) =>
        other.action === 'create' && !other.heard && other.name === madeBy.name && other.by !== madeBy.by,
    )
  );
}

/** Takes the steps and settles what is open in the end; answers what is wrong then. */
async function tell(
  beginning: (typeof BEGINNINGS)[number],
  steps: readonly Taken[],
  settlesBetween: boolean,
): Promise<string> {
  cases += 1;
  const [x, y] = [`x${cases}`, `y${cases}`];
  await begin(beginning, x, y);
  const named = steps.map((step) => ({ ...step, name: (step.name === 'x' ? x : y) as 'x' | 'y' }));
  for (const step of named) {
    await take(step);
    if (settlesBetween) {
      await adoption.settle();
    }
  }
  await adoption.settle();
  now += 16 * MINUTE;
  const left = await adoption.settle();
  const problems = left === 0 ? [] : [`${left} intents are left`];
  for (const name of [x, y]) {
    const thing = things.get(name);
    const held = await holdersOf(name);
    const right = thing === undefined ? [] : thing.holders.toSorted();
    const isRight = held.join() === right.join();
    const mayBeNobodys = thing !== undefined && held.length === 0 && isUndecidable(thing, named);
    if (!isRight && !mayBeNobodys) {
      problems.push(
        `on ${name[0]}: ${held.join(', ') || 'nobody'} instead of ${right.join(', ') || 'nobody'}`,
      );
    }
  }
  return problems.join('; ');
}

/** Whether MLflow would do what is said to be carried out, beginning with `y` and maybe `x`. */
function isPossible(steps: readonly Taken[], withX: boolean): boolean {
  const there = new Set(withX ? ['x', 'y'] : ['y']);
  return steps.every(({ action, name, carriedOut }) => {
    const [here, other] = [there.has(name), there.has(otherOf(name))];
    if (carriedOut && action === 'create') {
      there.add(name);
    } else if (carriedOut) {
      there.delete(name);
      if (action === 'rename') {
        there.add(otherOf(name));
      }
    }
    const isDone = action === 'create' ? !here : here && (action === 'delete' || !other);
    return isDone || !carriedOut;
  });
}

const describeStep = ({ action, name, by, carriedOut, heard }: Taken) =>
  `${action} ${name} by ${by} (${carriedOut ? 'carried out' : 'not carried out'}, ${heard ? 'heard' : 'unheard'})`;

const TAKEN: readonly Taken[] = STEPS.flatMap((step) => FATES.map((fate) => ({ ...step, ...fate })));

const pairs = TAKEN.flatMap((one) => TAKEN.map((two) => [one, two]));
/** What is refused leaves nothing behind; the pairs have it. Carol and dave are alike. */
const LASTING = TAKEN.filter(({ heard, carriedOut }) => !heard || carriedOut);
const triples = LASTING.flatMap((one) =>
  LASTING.flatMap((two) => LASTING.map((three) => [one, two, three])),
).filter((steps) => steps.find(({ action, name }) => action === 'create' && name === 'x')?.by !== 'dave');

describe.each(BEGINNINGS)('from $name', (beginning) => {
  test.each([
    ['pairs', pairs, false],
    ['pairs, settled one by one', pairs, true],
    // A young thing may be taken for what was created just now: nothing goes wrong with an old one that does not with it.
    ['triples', beginning.name === 'a young y' ? triples : [], false],
  ] as const)(
    '%s lose nothing, leave nothing over and inherit nothing',
    async (_what, sequences, between) => {
      const told = sequences.filter((steps) => isPossible(steps, beginning.withX));
      expect(told.length).toBeGreaterThanOrEqual(sequences.length / 10);
      const wrong: string[] = [];
      for (const steps of told) {
        const problem = await tell(beginning, steps, between);
        if (problem !== '') {
          wrong.push(`${steps.map(describeStep).join(', ')}: ${problem}`);
        }
      }
      expect([wrong.length, ...wrong.slice(0, 20)]).toEqual([0]);
    },
  );
});
