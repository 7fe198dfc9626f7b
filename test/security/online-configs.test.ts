/** How a scorer runs online is not told to a caller to whom the scorer is denied, though the experiment is readable. */
import { expect, test } from 'vitest';
import { grant, grantOn, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const SCORERS = '/api/3.0/mlflow/scorers';

const { gateway, alice, bob, homes } = useNeighbours(NEWEST, { default_permission: 'NO_PERMISSIONS' });

test('a denied scorer’s online settings are hidden', async () => {
  await grantOn(gateway.admin, alice, 'gateway_endpoint', '*', 'USE');
  const ids: string[] = [];
  const names = [unique('scorer'), unique('scorer')];
  for (const name of names) {
    const serialized_scorer = JSON.stringify({
      name,
      instructions_judge_pydantic_data: { model: 'openai:/gpt-4o', instructions: 'Is {{ outputs }} good?' },
    });
    const made = await alice.post(`${SCORERS}/register`, {
      experiment_id: homes.alice,
      name,
      serialized_scorer,
    });
    expect(made.status, made.text).toBe(200);
    ids.push(made.json.scorer_id);
    const set = await gateway.admin.send('PUT', `${SCORERS}/online-config`, {
      json: { experiment_id: homes.alice, name, sample_rate: 0 },
    });
    expect(set.status, set.text).toBe(200);
  }
  await grant(gateway.admin, bob, { experiment: homes.alice }, 'READ');
  const shown = async () => {
    const query = ids.map((id) => `scorer_ids=${id}`).join('&');
    const { status, json, text } = await bob.get(`${SCORERS}/online-configs?${query}`);
    expect(status, text).toBe(200);
    return json.configs.map(({ scorer_id }: { scorer_id: string }) => scorer_id);
  };
  expect((await shown()).toSorted()).toEqual(ids.toSorted());
  await grantOn(gateway.admin, bob, 'scorer', `${homes.alice}/${names[0]}`, 'DENY');
  expect(await shown()).toEqual([ids[1]]);
});
