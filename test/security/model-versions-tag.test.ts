/**
 * MLflow lists the versions of registered models that were made of a logged model in a tag of that one: by it nobody
 * writes to what they may only read, and nobody is told the names of models that are hidden.
 */
import { beforeAll, expect, test } from 'vitest';
import { grant, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const TAG = 'mlflow.modelVersions';

const { gateway, alice, bob, homes } = useNeighbours(NEWEST);
beforeAll(async () => {
  await grant(alice, bob, { experiment: homes.alice }, 'READ');
});

const newLoggedModel = async (by: Person) => {
  const { json } = await by.post(`${A2}/logged-models`, { experiment_id: homes.alice, name: 'logged' });
  return json.model.info.model_id as string;
};
const newModel = async (by: Person, prefix = 'model') => {
  const name = unique(prefix);
  expect((await by.post(`${A2}/registered-models/create`, { name })).status).toBe(200);
  return name;
};
const version = (by: Person, name: string, source: string, more: Record<string, unknown> = {}) =>
  by.post(`${A2}/model-versions/create`, { name, source, ...more });
const tagsOf = async (by: Person, id: string): Promise<{ key: string; value: string }[]> =>
  (await by.get(`${A2}/logged-models/${id}`)).json.model.info.tags ?? [];
const versionsOf = async (by: Person, id: string): Promise<{ name: string }[]> =>
  JSON.parse((await tagsOf(by, id)).find(({ key }) => key === TAG)?.value ?? '[]');

test('a version is made of a logged model by those who may write to it', async () => {
  const id = await newLoggedModel(alice);
  const [own, bobs] = [await newModel(alice), await newModel(bob)];
  expect((await version(bob, bobs, `models:/${id}`, { model_id: id })).status).toBe(403);
  expect((await version(bob, bobs, `models:/${id}`, { modelId: id })).status).toBe(403);
  expect(await versionsOf(alice, id)).toEqual([]);
  expect((await version(alice, own, `models:/${id}`, { model_id: id })).status).toBe(200);
  expect(await versionsOf(alice, id)).toMatchObject([{ name: own }]);

  // A copy of a version is none of the logged model's: MLflow keeps no such thing of a version.
  await grant(alice, bob, { model: own }, 'READ');
  expect((await version(bob, bobs, `models:/${own}/1`)).status).toBe(200);
  expect((await version(bob, bobs, `models:/${own}/1`, { model_id: id })).status).toBe(403);
  expect(await versionsOf(gateway.admin, id)).toMatchObject([{ name: own }]);
  expect(await versionsOf(gateway.admin, id)).toHaveLength(1);
});

test('names of models that the caller may not read are not told by the tag, and not lost by writing it', async () => {
  const id = await newLoggedModel(alice);
  const [hidden, shared] = [await newModel(alice, 'hidden'), await newModel(alice, 'shared')];
  await grant(alice, bob, { model: shared }, 'READ');
  for (const name of [hidden, shared]) {
    expect((await version(alice, name, `models:/${id}`, { model_id: id })).status).toBe(200);
  }
  expect(await versionsOf(alice, id)).toMatchObject([{ name: hidden }, { name: shared }]);
  expect(await versionsOf(bob, id)).toMatchObject([{ name: shared }]);
  const search = (by: Person, more: Record<string, unknown> = {}) =>
    by.post(`${A2}/logged-models/search`, { experiment_ids: [homes.alice], ...more });
  expect((await search(alice)).text).toContain(hidden);
  const found = await search(bob);
  expect(found.text).toContain(shared);
  expect(found.text).not.toContain(hidden);

  for (const filter of [
    `tags.\`${TAG}\` LIKE '%${hidden}%'`,
    `tags."MLFLOW.modelversions" LIKE '%h%'`,
    `tags.\`mlflow.modelVersións\` LIKE '%h%'`,
    "tags.`ｍlflow.model\u00adVersions` LIKE '%h%'",
  ]) {
    expect([filter, (await search(bob, { filter })).status]).toEqual([filter, 403]);
  }
  expect((await search(bob, { order_by: [{ field_name: `tags.\`${TAG}\`` }] })).status).toBe(403);
  expect((await search(bob, { filter: "tags.other = 'x'" })).status).toBe(200);

  const editor = await gateway.person('editor');
  await grant(alice, editor, { experiment: homes.alice }, 'EDIT');
  const mine = await newModel(editor, 'mine');
  const value = JSON.stringify([{ name: mine, version: '1' }]);
  const written = await editor.patch(`${A2}/logged-models/${id}/tags`, { tags: [{ key: TAG, value }] });
  expect(written.status).toBe(200);
  expect(written.text).not.toContain(hidden);
  expect(await versionsOf(editor, id)).toEqual([{ name: mine, version: '1' }]);
  expect((await versionsOf(gateway.admin, id)).map(({ name }) => name).sort()).toEqual(
    [hidden, mine, shared].sort(),
  );
});
