import { describe, expect, test } from 'vitest';
import { type ConfigError, loadConfig } from '../../src/config/load-config.ts';

const load = (text: string, env: Record<string, string> = {}) =>
  loadConfig({ env, cwd: '/', readFile: () => `[mlflow]\n${text}` });

/** Every problem of a configuration. */
function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    load(text, env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

const GOOD = '[oidc.sso]\nissuer = https://sso.example.com/realms/main\naudience = mlflow\n';

test('a section is a provider, and variables overrule it or make one', () => {
  const { config, warnings } = load(`${GOOD}allowed_groups = data, research\n`, {
    MLFLOW_AUTH_OIDC_SSO_AUDIENCE: 'another',
    MLFLOW_AUTH_OIDC_BUILD_FARM_ISSUER: 'http://127.0.0.1:8080/x',
    MLFLOW_AUTH_OIDC_BUILD_FARM_AUDIENCE: 'mlflow',
    MLFLOW_AUTH_OIDC_BUILD_FARM_SERVICE_ACCOUNTS: 'a: x=1, y.z=b:c; b: sub=s',
  });
  expect(warnings).toEqual([]);
  expect(config.oidc).toMatchObject([
    { name: 'sso', audience: ['another'], allowed_groups: ['data', 'research'], create_users: true },
    {
      name: 'build-farm',
      service_accounts: [
        {
          account: 'a',
          claims: [
            { claim: 'x', value: '1' },
            { claim: 'y.z', value: 'b:c' },
          ],
        },
        { account: 'b', claims: [{ claim: 'sub', value: 's' }] },
      ],
    },
  ]);
});

test('without a section there is no provider', () => {
  expect(load('').config.oidc).toBeUndefined();
});

test('every problem is named at once, with its section', () => {
  const problems = problemsOf(
    '[oidc.one]\nissuer = http://sso.example.com\ncreate_users = maybe\nallowed_group = x\n[oidc.Two]\n[oidc]\nissuer = x\n',
    { MLFLOW_AUTH_OIDC_ONE_SECRET: 'x' },
  );
  const text = problems.join('\n');
  for (const part of [
    'issuer of [oidc.one] in config/basic-auth.ini: write the address',
    'create_users of [oidc.one] in config/basic-auth.ini: write one of true, false',
    'allowed_group of [oidc.one] in config/basic-auth.ini is not a setting of a provider: did you mean allowed_groups?',
    '[oidc.Two] in config/basic-auth.ini: write [oidc.NAME]',
    '[oidc] in config/basic-auth.ini: write [oidc.NAME]',
    'MLFLOW_AUTH_OIDC_ONE_SECRET is not a setting',
  ]) {
    expect(text).toContain(part);
  }
});

describe('is refused:', () => {
  test.each([
    ['an issuer without TLS', 'issuer = http://sso.example.com\naudience = m', /https/],
    [
      'an issuer on a host that begins as loopback',
      'issuer = http://127.0.0.1.example.com\naudience = m',
      /https/,
    ],
    ['an issuer with credentials', 'issuer = https://a:b@sso.example.com\naudience = m', /credentials/],
    ['an issuer with a query', 'issuer = https://sso.example.com?x\naudience = m', /query/],
    ['no issuer', 'audience = m', /issuer of \[oidc\.sso\]/],
    ['neither client_id nor audience', 'issuer = https://sso.example.com', /client_id of \[oidc\.sso\]/],
    ['a secret of nobody', 'issuer = https://s.example.com\naudience = m\nclient_secret = x', /whose secret/],
    [
      'a secret and a key',
      'issuer = https://s.example.com\nclient_id = c\nclient_secret = x\nclient_key_file = k',
      /not both/,
    ],
    ['scopes without openid', 'issuer = https://s.example.com\nclient_id = c\nscopes = profile', /openid/],
    ['an empty group', 'issuer = https://sso.example.com\naudience = m\nallowed_groups = a,,b', /groups/],
    [
      'everybody of Microsoft',
      'issuer = https://login.microsoftonline.com/Common/v2.0\nclient_id = c',
      /anybody in the world/,
    ],
    [
      'everybody of GitHub',
      'issuer = https://token.actions.githubusercontent.com\naudience = m',
      /anybody in the world/,
    ],
    [
      'a service account without claims',
      'issuer = https://s.example.com\naudience = m\nservice_accounts = a',
      /semicolons/,
    ],
    [
      'a service account for an empty claim',
      'issuer = https://s.example.com\naudience = m\nservice_accounts = a: x=',
      /semicolons/,
    ],
    [
      'the same issuer twice',
      `issuer = https://sso.example.com/\naudience = m\n[oidc.b]\nissuer = https://sso.example.com\naudience = m`,
      /\[oidc\.sso\] has this issuer/,
    ],
  ])('%s', (_, text, problem) => {
    expect(problemsOf(`[oidc.sso]\n${text}\n`).join('\n')).toMatch(problem);
  });
});
