import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { PROVIDER_SETTING_NAMES } from '../../src/config/providers.ts';
import { renderProvider, renderReference } from '../../src/config/reference.ts';
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
  const [ofGateway = ''] = renderReference().split(/^# \[oidc/m);
  const uncommented = ofGateway.replaceAll(/^# ([a-z_]+ =)/gm, '$1');
  expect(uncommented).not.toBe(renderReference());
  const { config, warnings } = load('[mlflow]');
  expect(load(uncommented)).toMatchObject({ config, warnings });
  expect(load(uncommented).written.size).toBeGreaterThan(10);
});

test('the part about a provider explains every setting, and shows the defaults', () => {
  const part = renderProvider();
  for (const key of PROVIDER_SETTING_NAMES) {
    expect(part).toMatch(new RegExp(`# \\w.+\n# ${variableOf(`oidc_NAME_${key}`)}\n# ${key} =`));
  }
  const least = 'issuer = https://sso.example.com\naudience = mlflow\n';
  const uncommented = part
    .replace('# [oidc.NAME]', '[oidc.sso]')
    .replaceAll(/^# ([a-z_]+ =)(?! *$)/gm, '$1')
    .concat(least);
  const { config } = load(`[mlflow]\n[oidc.sso]\n${least}`);
  expect(config.oidc).toHaveLength(1);
  expect(load(`[mlflow]\n${uncommented}`).config).toEqual(config);
});

test('the shipped config/basic-auth.ini loads without a warning, denies by default and holds no password', () => {
  const { config, warnings } = load(shipped('basic-auth.ini'));
  expect(warnings).toEqual([]);
  expect(config.default_permission).toBe('NO_PERMISSIONS');
  expect(config.admin_password).toBeUndefined();
});
