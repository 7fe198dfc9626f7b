/** Who manages an experiment shares it in the pages of MLflow, which ask what the other holds before they grant. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../../support/browser.ts';
import { createExperiment, unique } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';

const { gateway, owner, guest } = useGateway({ people: ['owner', 'guest'] });

let browsers: Browsers;
let seat: Seat;

beforeAll(async () => {
  browsers = await installBrowsers();
  seat = await browsers.open(gateway.url, owner);
});
afterAll(() => browsers.close());

test('“Edit access” of the page of a user grants READ on an experiment of one’s own', async () => {
  const { page } = seat;
  const name = unique('shared');
  const id = await createExperiment(owner, name);
  const read = () => guest.get(`/api/2.0/mlflow/experiments/get?experiment_id=${id}`);
  expect((await read()).status).toBe(403);

  await page.goto(`/#/admin/users/${guest.username}`);
  await page.getByRole('button', { name: 'Edit access' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Select experiment').click();
  await page.getByRole('option', { name }).click();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByRole('button', { name: 'Review changes' }).click();
  await dialog.getByRole('button', { name: /confirm|apply|save|submit/i }).click();

  await expect.poll(async () => (await read()).status, { timeout: 20_000 }).toBe(200);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
