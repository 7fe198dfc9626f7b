/** The pages of MLflow show users their workspaces, and what is in each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../../support/browser.ts';
import { createExperiment, unique } from '../../support/gateway.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { inWorkspace, useWorkspaces } from '../../support/workspaces.ts';

describe(`in front of MLflow ${NEWEST} with workspaces`, () => {
  const { gateway, alice, bob, names } = useWorkspaces(NEWEST);
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
});
