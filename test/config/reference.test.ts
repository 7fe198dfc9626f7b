import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { renderReference } from '../../src/config/reference.ts';
import { SETTING_NAMES, variableOf } from '../../src/config.ts';

const shipped = (name: string) => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8');
const load = (text: string) => loadConfig({ env: {}, cwd: '/', readFile: () => text });

test('config/reference.ini is what the schema says (npm run docs writes it)', () => {
  expect(shipped('reference.ini')).toBe(renderReference());
});

test('the reference explains every setting and names its variable', () => {
  for (const key of SETTING_NAMES) {
    expect(renderReference()).toMatch(new RegExp(`# \\w.+\n# ${variableOf(key)}\n# ${key} =`));
  }
});

test('the defaults that the reference shows are the defaults', () => {
  const uncommented = renderReference().replaceAll(/^# ([a-z_]+ =)/gm, '$1');
  expect(uncommented).not.toBe(renderReference());
  const { config, warnings } = load('[mlflow]');
  expect(load(uncommented)).toMatchObject({ config, warnings });
  expect(load(uncommented).written.size).toBeGreaterThan(10);
});

test('the shipped config/basic-auth.ini loads without a warning, denies by default and holds no password', () => {
  const { config, warnings } = load(shipped('basic-auth.ini'));
  expect(warnings).toEqual([]);
  expect(config.default_permission).toBe('NO_PERMISSIONS');
  expect(config.admin_password).toBeUndefined();
});
