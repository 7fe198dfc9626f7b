import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operationsOf } from '../../../src/mlflow/table/match.ts';
import { renderRoutes } from '../../../src/mlflow/table/routes-page.ts';
import { ROUTES, SECTIONS } from '../../../src/routes.ts';

test('docs/routes.md says what the table says: npm run docs writes it', () => {
  const page = readFileSync(new URL('../../../docs/routes.md', import.meta.url), 'utf8');
  expect(page).toBe(renderRoutes(SECTIONS));
});

test('the page has a line for every operation', () => {
  const page = renderRoutes(SECTIONS);
  for (const { name } of operationsOf(ROUTES)) {
    expect(page).toContain(`| \`${name}\` |`);
  }
});
