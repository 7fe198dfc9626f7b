/** The pages of MLflow show users their workspaces, and what is in each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../../support/browser.ts';
import { createExperiment, grantOn, unique } from '../../support/gateway.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { inWorkspace, useWorkspaces } from '../../support/workspaces.ts';

describe(`in front of MLflow ${NEWEST} with workspaces`, () => {
  const { gateway, admin, alice, bob, carol, names } = useWorkspaces(NEWEST);
  const experiments = { a: unique('in-a'), b: unique('in-b') };
  let browsers: Browsers;
  beforeAll(async () => {
    browsers = await installBrowsers();
    await createExperiment(inWorkspace(alice, names.a), experiments.a);
    await createExperiment(inWorkspace(bob, names.b), experiments.b);
  });
  afterAll(() => browsers.close());

  test('a member is shown the workspace they are in, and its experiments', async () => {
    const seat: Seat = await browsers.open(gateway.url, alice);
    const { page } = seat;
    await page.goto(`${gateway.url}/`);
    await page.getByText(names.a).first().waitFor();
    expect(await page.content()).not.toContain(names.b);
    await page.getByText(names.a).first().click();
    await page.goto(`${gateway.url}/#/experiments?workspace=${names.a}`);
    await page.getByText(experiments.a).first().waitFor();
    expect(await page.content()).not.toContain(experiments.b);
  });

  test('who manages an experiment in a workspace shares it there, and nowhere else', async () => {
    const id = await createExperiment(inWorkspace(alice, names.a));
    const explain = async (workspace: string) =>
      (
        await inWorkspace(admin, workspace).get(
          `/api/2.0/mlflow/permissions/explain?username=${carol.username}&resource_type=experiment&resource_id=${id}`,
        )
      ).json.permission;
    const { page } = await browsers.open(gateway.url, alice);
    await page.goto(`/auth/share/experiment/${id}?workspace=${names.a}`);
    // They have roles too, as soon as the page knows.
    await page.getByRole('combobox', { name: /^Users/ }).fill(carol.username);
    await page.getByRole('option', { name: carol.username }).click();
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByText(`Shared with ${carol.username}.`).waitFor();
    expect([await explain(names.a), await explain(names.b)]).toEqual(['READ', 'NO_PERMISSIONS']);
    expect(
      (await inWorkspace(carol, names.a).get(`/api/2.0/mlflow/experiments/get?experiment_id=${id}`)).status,
    ).toBe(200);
  });

  test('a page says which workspace it is about: the default one, where its address names none', async () => {
    const id = await createExperiment(inWorkspace(alice, names.a));
    const { page } = await browsers.open(gateway.url, alice);
    await page.goto(`/auth/share/experiment/${id}`);
    await page.getByText('This is about the workspace default.').waitFor();
    await page.getByText('To share it you need Manage on it.').waitFor();
    await page.goto(`/auth/share/experiment/${id}?workspace=${names.a}`);
    await page.getByText(`In the workspace ${names.a}.`).waitFor();
    await page.getByRole('heading', { name: 'Who has access' }).waitFor();
  });

  test('what a user was granted in a workspace shows as their own, and as no role', async () => {
    const id = await createExperiment(inWorkspace(alice, names.a));
    const own = await createExperiment(inWorkspace(alice, names.a));
    await grantOn(inWorkspace(alice, names.a), carol, 'experiment', id, 'READ');
    const seat = await browsers.open(gateway.url, carol);
    await seat.page.goto(`/auth/account?workspace=${names.a}`);
    const mine = seat.page.getByRole('table', { name: 'What you are granted' }).getByRole('row');
    await mine.filter({ hasText: id }).waitFor();
    expect(await seat.page.content()).not.toContain('__user_');
    const { page } = await browsers.open(gateway.url, admin);
    await page.goto(`/auth/share/experiment/${own}?workspace=${names.a}`);
    await page.getByRole('heading', { name: 'Who has access' }).waitFor();
    await page.getByRole('combobox', { name: /^Users/ }).fill('user');
    await page.getByRole('option', { name: /user/ }).first().waitFor();
    expect(await page.content()).not.toContain('__user_');
    await page.goto('/auth/admin/roles');
    await page.getByRole('row', { name: /^user/ }).first().waitFor();
    expect(await page.content()).not.toContain('__user_');
    await page.goto('/auth/admin/users');
    await page.getByRole('button', { name: 'Invite a user' }).click();
    await page.getByRole('checkbox', { name: 'user' }).first().waitFor();
    expect(await page.content()).not.toContain('__user_');
  });
});
