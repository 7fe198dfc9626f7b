/** From MLflow's pages to those of the gateway and back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers } from '../../support/browser.ts';
import { createExperiment } from '../../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';

describe.each(MLFLOW_VERSIONS)('in the pages of MLflow %s', (version) => {
  const { gateway, alice, bob } = useGateway({ version, people: ['alice', 'bob'] });
  let browsers: Browsers;
  beforeAll(async () => {
    browsers = await installBrowsers();
  });
  afterAll(() => browsers.close());

  test('the owner of an experiment gets from it to Share, gives access, and back', async () => {
    const id = await createExperiment(alice);
    const seat = await browsers.open(gateway.url, alice);
    const { page } = seat;
    // Not the first page: that of 2.15.1 leads on to an experiment by itself.
    await page.goto('/#/models');
    const ours = page.getByRole('navigation', { name: 'MLflow access' });
    await ours.getByRole('link', { name: 'Access' }).waitFor();
    expect(await ours.getByRole('link', { name: 'Share' }).count()).toBe(0);
    await page.goto(`/#/experiments/${id}`);
    await ours.getByRole('link', { name: 'Share' }).click();

    const { experiment } = (await alice.get(`/api/2.0/mlflow/experiments/get?experiment_id=${id}`)).json;
    await page.getByRole('heading', { name: `Share experiment ${experiment.name}` }).waitFor();
    await page.getByRole('combobox', { name: /^Users/ }).fill(bob.username);
    await page.getByRole('option', { name: bob.username }).click();
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await page.getByRole('row', { name: `${bob.username} Read` }).waitFor();
    expect((await bob.get(`/api/2.0/mlflow/experiments/get?experiment_id=${id}`)).status).toBe(200);

    await page.getByRole('link', { name: 'Open in MLflow' }).click();
    await page.waitForURL(`**/#/experiments/${id}**`);
    await page.getByText(experiment.name).first().waitFor();
    await ours.getByRole('link', { name: 'Access' }).click();
    await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    await page.getByRole('row', { name: `experiment ${experiment.name} (${id}) Manage own grant` }).waitFor();
    await page.getByRole('link', { name: 'Back to MLflow' }).click();
    await ours.getByRole('link', { name: 'Access' }).waitFor();
    expect(
      seat.takeTrouble().filter((line) => line.startsWith('crash') || line.includes('Content Security')),
    ).toEqual([]);
  });
});
