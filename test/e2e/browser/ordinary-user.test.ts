import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../../support/browser.ts';
import { grant } from '../../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';
import { doWork, type Work } from './work.ts';

/** A page of MLflow's, where it is, and what shows there once it is complete. */
interface Visit {
  readonly name: string;
  readonly at: (work: Work) => string;
  readonly shows: (work: Work, page: Page) => Promise<unknown>[];
  readonly onlyMlflow3?: true;
  readonly onlyWithSkills?: true;
  /** What the page itself is prepared for. */
  readonly trouble?: readonly string[];
}

const shown = (page: Page, text: string) => page.getByText(text).first().waitFor();

/** Whether anything of a page, its title and hidden parts included, contains a text. */
const mentions = async (page: Page, text: string) => (await page.content()).includes(text);

const VISITS: readonly Visit[] = [
  {
    name: 'the home page',
    at: () => '/',
    shows: ({ experiment }, page) => [shown(page, experiment.name)],
  },
  {
    name: 'the list of experiments',
    at: () => '/#/experiments',
    onlyMlflow3: true,
    shows: ({ experiment }, page) => [shown(page, experiment.name)],
  },
  {
    name: 'the traces of an experiment',
    at: ({ experiment }) => `/#/experiments/${experiment.id}/traces`,
    onlyMlflow3: true,
    shows: (_work, page) => [shown(page, 'Start tracing your LLM application')],
  },
  {
    name: 'the runs of an experiment',
    at: ({ experiment }) => `/#/experiments/${experiment.id}/runs`,
    shows: ({ runs }, page) => [...runs.map(({ name }) => shown(page, name)), shown(page, '2 matching runs')],
  },
  {
    name: 'the charts of an experiment',
    at: ({ experiment }) => `/#/experiments/${experiment.id}/runs?compareRunsMode=CHART`,
    shows: ({ runs }, page) => [
      ...runs.map(({ name }) => shown(page, name)),
      page.locator('.js-plotly-plot').first().waitFor(),
    ],
  },
  {
    name: 'a run',
    at: ({ experiment, runs }) => `/#/experiments/${experiment.id}/runs/${runs[0].id}`,
    shows: ({ runs, model }, page) => [
      page.getByRole('heading', { name: runs[0].name }).waitFor(),
      page.getByRole('row', { name: 'depth 3' }).waitFor(),
      page.getByRole('row', { name: 'loss 0.2' }).waitFor(),
      shown(page, model),
    ],
  },
  {
    name: 'the charts of a run',
    at: ({ experiment, runs }) => `/#/experiments/${experiment.id}/runs/${runs[0].id}/model-metrics`,
    shows: ({ runs }, page) => [
      shown(page, `${runs[0].name} (loss)`),
      page.locator('.scatterlayer .js-line').first().waitFor({ state: 'attached' }),
    ],
  },
  {
    name: 'an artifact of a run',
    at: ({ experiment, runs }) => `/#/experiments/${experiment.id}/runs/${runs[0].id}/artifacts`,
    shows: ({ runs }, page) => [
      page.getByText('notes.txt').first().click(),
      shown(page, `notes of ${runs[0].name}`),
    ],
  },
  {
    name: 'two runs side by side',
    at: ({ experiment, runs }) =>
      `/#/compare-runs?runs=${list(runs.map(({ id }) => id))}&experiments=${list([experiment.id])}`,
    shows: ({ runs }, page) => [
      shown(page, 'Comparing 2 Runs from 1 Experiment'),
      ...runs.map(({ name }) => shown(page, name)),
      page.getByRole('row', { name: 'depth 3 5' }).waitFor(),
    ],
  },
  {
    name: 'the list of models',
    at: () => '/#/models',
    shows: ({ model }, page) => [shown(page, model), shown(page, 'Version 1')],
  },
  {
    name: 'a model',
    at: ({ model }) => `/#/models/${model}`,
    shows: ({ mark }, page) => [shown(page, `made by ${mark}`)],
  },
  {
    name: 'a version of a model',
    at: ({ model }) => `/#/models/${model}/versions/1`,
    // MLflow 3.18 asks for an address of the storage first, which local files have none of.
    trouble: ['GET /model-versions/get-artifact 501'],
    shows: ({ mark, runs }, page) => [shown(page, `made by ${mark}`), shown(page, runs[0].name)],
  },
  {
    name: 'the list of skills',
    at: () => '/#/skills',
    onlyWithSkills: true,
    shows: ({ skill }, page) => [shown(page, skill)],
  },
  {
    name: 'a skill',
    at: ({ skill }) => `/#/skills/${skill}`,
    onlyWithSkills: true,
    shows: ({ skill }, page) => [shown(page, skill)],
  },
];

/** Skills came with MLflow 3.18. */
const hasSkills = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 18);
};

/** Where the dialog opens that creates an experiment. */
const CREATE = {
  mlflow3: {
    at: '/#/experiments',
    button: (page: Page) => page.getByRole('button', { name: 'Create' }).first(),
  },
  mlflow2: { at: '/#/', button: (page: Page) => page.getByTestId('create-experiment-button') },
} as const;

function list(ids: readonly string[]): string {
  return encodeURIComponent(JSON.stringify(ids));
}

describe.each(MLFLOW_VERSIONS)('in the pages of MLflow %s, an ordinary user', (version) => {
  let browsers: Browsers;
  let hers: Work;
  let his: Work;
  let seat: Seat;

  const { gateway, alice, bob } = useGateway({ version, people: ['alice', 'bob'] });
  beforeAll(async () => {
    browsers = await installBrowsers();
    const skills = hasSkills(version);
    [hers, his] = [await doWork(alice, 'hers', skills), await doWork(bob, 'his', skills)];
    seat = await browsers.open(gateway.url, alice);
  });
  afterAll(() => browsers.close());

  const visits = VISITS.filter(
    ({ onlyMlflow3 = false, onlyWithSkills = false }) =>
      !(onlyMlflow3 && isMlflow2(version)) && !(onlyWithSkills && !hasSkills(version)),
  );
  test.for(visits.map((visit) => [visit.name, visit] as const))(
    'sees %s, without errors and with nothing of others',
    async ([, { at, shows, trouble = [] }]) => {
      const { page } = seat;
      await page.goto(at(hers));
      await Promise.all(shows(hers, page));
      expect(await unexpectedTrouble(seat, trouble)).toEqual([]);
      expect(await mentions(page, his.mark)).toBe(false);
    },
  );

  test('creates an experiment in the dialog', async () => {
    const { page } = seat;
    const { at, button } = CREATE[isMlflow2(version) ? 'mlflow2' : 'mlflow3'];
    await page.goto(at);
    await button(page).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByPlaceholder('Input an experiment name').fill(`${hers.mark}-new`);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.waitForURL(/#\/experiments\/\d+/);
    await shown(page, `${hers.mark}-new`);
    const asked = [
      'GET /ajax-api/2.0/mlflow/experiments/get-by-name 404',
      // What MLflow 2.15.1 makes of it.
      'console Fetch failed:  Response',
    ];
    expect(await unexpectedTrouble(seat, asked)).toEqual([]);
  });

  test('is told that an experiment of another user is not theirs', async () => {
    const { page } = seat;
    await page.goto(`/#/experiments/${his.experiment.id}`);
    await shown(page, 'Permission denied.');
    expect(await mentions(page, his.mark)).toBe(false);
    expect(seat.takeTrouble()).toContainEqual(expect.stringMatching(/^notice .*Permission denied\./));
  });

  test.skipIf(isMlflow2(version))('is told that webhooks are for an admin', async () => {
    const { page } = seat;
    await page.goto('/#/settings/webhooks');
    await shown(page, 'Only an admin may do this.');
    expect(await unexpectedTrouble(seat, ['GET /ajax-api/2.0/mlflow/webhooks 403'])).toEqual([
      expect.stringMatching(/^notice .*Only an admin may do this\./),
    ]);
  });

  test('sees what was shared with them, as soon as it was', async () => {
    await grant(bob, alice, { experiment: his.experiment.id }, 'READ');
    const { page } = seat;
    await page.goto(`/#/experiments/${his.experiment.id}/runs`);
    await page.reload();
    await Promise.all(his.runs.map(({ name }) => shown(page, name)));
    expect(await unexpectedTrouble(seat)).toEqual([]);
  });

  test('sees less than an admin, who sees the work of all', async () => {
    const admin = await browsers.open(gateway.url, gateway.admin);
    const { page } = admin;
    for (const { experiment, runs } of [hers, his]) {
      await page.goto('/#/');
      await page.goto(`/#/experiments/${experiment.id}/runs`);
      await Promise.all(runs.map(({ name }) => shown(page, name)));
    }
    await page.goto('/#/models');
    await Promise.all([hers, his].map(({ model }) => shown(page, model)));
    expect(await unexpectedTrouble(admin)).toEqual([]);
  });
});
