import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/load-config.ts';
import { SETTING_NAMES, variableOf } from '../../src/config.ts';

/** Loads with these variables and these files, as if nothing else were there. */
function load(env: Record<string, string> = {}, files: Record<string, string> = {}) {
  return loadConfig({
    env,
    cwd: '/work',
    readFile(path) {
      const text = files[path];
      if (text === undefined) {
        throw Object.assign(new Error('not there'), { code: 'ENOENT' });
      }
      return text;
    },
  });
}

/** Loads with the lines of a `[mlflow]` section in the default file. */
function loadSection(lines: string, env: Record<string, string> = {}) {
  return load(env, { '/work/config/basic-auth.ini': `[mlflow]\n${lines}` });
}

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

describe('without file and variables', () => {
  test('the defaults are safe: nobody may do anything, only this machine may connect, there is no password', () => {
    const { config, warnings, source } = load();
    expect(config).toMatchObject({
      admin_username: 'admin',
      default_permission: 'NO_PERMISSIONS',
      database_uri: 'sqlite:///basic_auth.db',
      upstream_uri: 'http://127.0.0.1:5001',
      host: '127.0.0.1',
      port: 5000,
      min_password_length: 12,
      max_json_body_bytes: 32 * 1024 * 1024,
      trusted_proxies: [],
    });
    expect(config.admin_password).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(source).toBe('defaults and environment');
  });
});

describe('the file', () => {
  test('of MLflow 3.17.2 works as it is, and what means nothing here is said to be ignored', () => {
    const { config, warnings, source } = loadSection(
      [
        'default_permission = READ',
        'database_uri = sqlite:///basic_auth.db',
        'admin_username = admin',
        '# admin_password =',
        'authorization_function = mlflow.server.auth:authenticate_request_basic_auth',
        'grant_default_workspace_access = false',
      ].join('\n'),
    );
    expect(config.default_permission).toBe('READ');
    expect(config.grant_default_workspace_access).toBe(false);
    expect(source).toBe('config/basic-auth.ini');
    expect(warnings).toEqual([
      'authorization_function in config/basic-auth.ini is ignored: it is a setting of MLflow that means nothing here.',
    ]);
  });

  test('of MLflow 2.15.1 is refused for the password that everyone knows', () => {
    expect(problemsOf(() => loadSection('admin_password = password\n'))).toEqual([
      'admin_password in config/basic-auth.ini: this is a default that everyone knows: write another, or leave it out',
    ]);
  });

  test('is found where MLFLOW_AUTH_CONFIG_PATH says, relative to the working directory', () => {
    const env = { MLFLOW_AUTH_CONFIG_PATH: 'etc/auth.ini' };
    const loaded = load(env, { '/work/etc/auth.ini': '[mlflow]\nport = 81\n' });
    expect(loaded.config.port).toBe(81);
    expect(loaded.source).toBe('etc/auth.ini');
  });

  test('may be missing by default, not when it was named', () => {
    expect(problemsOf(() => load({ MLFLOW_AUTH_CONFIG_PATH: 'gone.ini' }))).toEqual([
      'MLFLOW_AUTH_CONFIG_PATH: gone.ini: there is no such file',
    ]);
  });

  test.each([
    ['EACCES', {}, 'config/basic-auth.ini: this account may not read it'],
    [
      'EISDIR',
      { MLFLOW_AUTH_CONFIG_PATH: 'etc' },
      'MLFLOW_AUTH_CONFIG_PATH: etc: it is a directory, not a file',
    ],
  ])('that cannot be read (%s) is a problem, even the default one', (code, env, problem) => {
    const read = () =>
      loadConfig({
        env,
        cwd: '/work',
        readFile() {
          throw Object.assign(new Error('in words of the system'), { code });
        },
      });
    expect(problemsOf(read)).toEqual([problem]);
  });

  test('may have sections for other programs, which are named as not read', () => {
    const { config, warnings } = load(
      {},
      {
        '/work/config/basic-auth.ini': '[DEFAULT]\nport = 81\n[other]\nport = 82\n  and more\n[mlflow]\n',
      },
    );
    expect(config.port).toBe(81);
    expect(warnings).toEqual(['The section [other] in config/basic-auth.ini is not read.']);
  });

  test('keeps a password with blanks, quotes, comment signs and percent signs as it was meant', () => {
    const { config } = loadSection('ADMIN_Password: "a ; b # c = d: %%"\n');
    expect(config.admin_password?.reveal()).toBe('"a ; b # c = d: %"');
  });

  test('may not hold a lone percent sign, which configparser would refuse', () => {
    expect(problemsOf(() => loadSection('admin_password = 100% correct horse\n'))).toEqual([
      'admin_password in config/basic-auth.ini: write %% for a percent sign; %(…)s is not supported',
    ]);
  });
});

describe('local_sign_in = nobody', () => {
  const nobody = { MLFLOW_AUTH_LOCAL_SIGN_IN: 'nobody' };
  const issuer = { MLFLOW_AUTH_OIDC_CORP_ISSUER: 'https://sso.example.com' };

  test('is refused where there is no provider by which users sign in in a browser', () => {
    expect(() => load(nobody)).toThrow(/MLFLOW_AUTH_LOCAL_SIGN_IN: with nobody, name a provider/);
    expect(() => load({ ...nobody, ...issuer })).toThrow(
      /a section \[oidc\.NAME\] with issuer and client_id/,
    );
    const { config } = load({ ...nobody, ...issuer, MLFLOW_AUTH_OIDC_CORP_CLIENT_ID: 'gateway' });
    expect(config.local_sign_in).toBe('nobody');
  });

  test('one letter off stops the start', () => {
    expect(() => load({ MLFLOW_AUTH_LOCAL_SIGNIN: 'nobody' })).toThrow(/write MLFLOW_AUTH_LOCAL_SIGN_IN/);
  });
});

describe('variables', () => {
  test.each(SETTING_NAMES)('MLFLOW_AUTH_<KEY> overrules %s of the file', (key) => {
    const values: Record<string, [string, string]> = {
      admin_username: ['ann', 'bob'],
      admin_password: ['correct horse 1', 'correct horse 2'],
      default_permission: ['READ', 'EDIT'],
      grant_default_workspace_access: ['true', 'false'],
      list_users_to: ['everyone', 'admins'],
      local_sign_in: ['everybody', 'admins'],
      database_uri: ['sqlite:///a.db', 'sqlite:////b.db'],
      upstream_uri: ['http://a:1', 'unix:/b.sock'],
      upstream_host: ['a.example', 'b.example'],
      public_url: ['https://a.example', 'https://b.example:8443'],
      upstream_keep_alive: ['true', 'false'],
      enforcement: ['report', 'enforce'],
      basic_auth: ['api', 'off'],
      audit_reads: ['true', 'false'],
      audit_stdout: ['true', 'false'],
      host: ['::1', '0.0.0.0'],
      log_level: ['debug', 'warn'],
      static_prefix: ['/a', '/b/c'],
      trusted_proxies: ['10.0.0.1', '10.0.0.2'],
      ai_gateway_allowed_hosts: ['a.example', '*.b.example'],
    };
    const [inFile, inVariable] = values[key] ?? ['2000', '3000'];
    const small: [string, string] = ['13', '14'];
    const [a, b] = /rounds|length|hours|per_user/.test(key) ? small : [inFile, inVariable];
    // Certificate and key are written both, or neither.
    const other = { tls_cert_file: 'tls_key_file = a\n', tls_key_file: 'tls_cert_file = a\n' }[key] ?? '';
    const shown = (text: string, env = {}) => {
      const { config } = loadSection(`${other}${key} = ${text}\n`, env);
      const value = config[key as keyof typeof config];
      return value !== null && typeof value === 'object' && 'reveal' in value
        ? value.reveal()
        : String(value);
    };
    expect(shown(a)).toBe(a);
    expect(shown(a, { [variableOf(key)]: b })).toBe(b);
  });

  test('count as not set when they are empty', () => {
    expect(loadSection('port = 81\n', { MLFLOW_AUTH_PORT: '' }).config.port).toBe(81);
    expect(load({ MLFLOW_AUTH_CONFIG_PATH: '' }).source).toBe('defaults and environment');
  });

  test('of other programs are nobody’s business', () => {
    expect(load({ MLFLOW_TRACKING_URI: 'http://x', PORT: '1', MLFLOW_AUTHOR: 'me' }).warnings).toEqual([]);
  });
});

describe('unknown names', () => {
  test.each([
    ['prot = 1', 'prot in config/basic-auth.ini is not a setting; did you mean port?'],
    ['administrator_password = x', 'administrator_password in config/basic-auth.ini is not a setting.'],
    [
      'admin_user_name = x',
      'admin_user_name in config/basic-auth.ini is not a setting; did you mean admin_username?',
    ],
    ['colour_of_the_sky = x', 'colour_of_the_sky in config/basic-auth.ini is not a setting.'],
  ])('%s in the file is a warning', (line, warning) => {
    expect(loadSection(line).warnings).toEqual([warning]);
  });

  test.each([
    [
      'MLFLOW_AUTH_UPSTREAM_URL',
      'MLFLOW_AUTH_UPSTREAM_URL is not a setting; did you mean MLFLOW_AUTH_UPSTREAM_URI?',
    ],
    ['MLFLOW_AUTH_port', 'MLFLOW_AUTH_port is not a setting; did you mean MLFLOW_AUTH_PORT?'],
    [
      'MLFLOW_AUTH_CONFIG_PAHT',
      'MLFLOW_AUTH_CONFIG_PAHT is not a setting; did you mean MLFLOW_AUTH_CONFIG_PATH?',
    ],
    [
      'MLFLOW_AUTH_AUTHORIZATION_FUNCTION',
      'MLFLOW_AUTH_AUTHORIZATION_FUNCTION is ignored: it is a setting of MLflow that means nothing here.',
    ],
    [
      'MLFLOW_FLASK_SERVER_SECRET_KEY',
      'MLFLOW_FLASK_SERVER_SECRET_KEY is ignored: it is a setting of MLflow that means nothing here.',
    ],
  ])('%s in the environment is a warning', (variable, warning) => {
    expect(load({ [variable]: 'x' }).warnings).toEqual([warning]);
  });

  test.each([
    ['admin_pasword', 'admin_password'],
    ['adminpassword', 'admin_password'],
    ['admin-password', 'admin_password'],
    ['admin_passwrod', 'admin_password'],
    ['admin_passwords', 'admin_password'],
    ['default_permissions', 'default_permission'],
    ['defualt_permission', 'default_permission'],
  ])('%s stops the start: it was to be a setting that protects', (name, meant) => {
    expect(problemsOf(() => loadSection(`${name} = a long enough password\nport = x`))).toEqual([
      `${name} in config/basic-auth.ini is not a setting: write ${meant}`,
      'port in config/basic-auth.ini: write a whole number from 0 to 65535',
    ]);
    const variable = variableOf(name);
    expect(problemsOf(() => load({ [variable]: 'a long enough password' }))).toEqual([
      `${variable} is not a setting: write ${variableOf(meant)}`,
    ]);
  });

  test.each(['MFLOW_AUTH_ADMIN_PASSWORD', 'MLFLOW_AUTHADMIN_PASSWORD', 'MLFLOW_AUTH_Admin_Password'])(
    '%s stops the start too',
    (variable) => {
      expect(problemsOf(() => load({ [variable]: 'a long enough password' }))).toEqual([
        `${variable} is not a setting: write MLFLOW_AUTH_ADMIN_PASSWORD`,
      ]);
    },
  );

  test('cannot be told from a setting by a name that every object has', () => {
    expect(loadSection('constructor = x\ntostring = y\n__proto__ = z\n').warnings).toHaveLength(3);
  });
});

describe('problems', () => {
  test('are all told at once, each with where it stands and what to write', () => {
    const problems = problemsOf(() =>
      loadSection('port = 99999\nadmin_password = short\ndefault_permission = DENY\n  continued\n', {
        MLFLOW_AUTH_LOG_LEVEL: 'loud',
      }),
    );
    expect(problems).toEqual([
      'config/basic-auth.ini: line 5 continues default_permission, which is not supported: write the value on one line, unindented',
      'default_permission in config/basic-auth.ini: write one of READ, USE, EDIT, MANAGE, NO_PERMISSIONS',
      'port in config/basic-auth.ini: write a whole number from 0 to 65535',
      'MLFLOW_AUTH_LOG_LEVEL: write one of fatal, error, warn, info, debug, trace, silent',
      'admin_password in config/basic-auth.ini: write at least 12 characters (min_password_length)',
    ]);
  });

  test.each([
    'mysql://gateway:sesame@db/auth',
    'mysql+pymysql://gateway:sesame@db/auth',
    'mariadb://db/auth',
  ])('%s is told not to be offered, and what is', (database_uri) => {
    expect(problemsOf(() => load({ MLFLOW_AUTH_DATABASE_URI: database_uri }))).toEqual([
      'MLFLOW_AUTH_DATABASE_URI: write sqlite:///path/to/file.db or postgresql://user:password@host:port/database: MySQL and MariaDB are not offered',
    ]);
  });

  test('never repeat a secret', () => {
    const message = () => load({ MLFLOW_AUTH_ADMIN_PASSWORD: 'sesame', MLFLOW_AUTH_PORT: 'sesame' });
    expect(message).toThrow(ConfigError);
    expect(message).not.toThrow(/sesame/);
  });

  test.each([
    ['upstream_uri', 'http://user:pw@mlflow:5000'],
    ['upstream_uri', 'http://mlflow:5000/prefix'],
    ['upstream_uri', 'http://mlflow:5000/?a=b'],
    ['upstream_uri', 'http://mlflow:5000/#a'],
    ['upstream_uri', 'http://mlflow:5000/.'],
    ['upstream_uri', 'http://mlflow:99999'],
    ['upstream_uri', 'ftp://mlflow'],
    ['upstream_uri', 'mlflow:5000'],
    ['upstream_uri', 'unix:relative.sock'],
    ['database_uri', 'postgresql://db/auth'],
    ['database_uri', 'auth.db'],
    ['host', 'http://0.0.0.0'],
    ['port', '-1'],
    ['port', '65536'],
    ['port', '5e3'],
    ['port', '0x50'],
    ['min_password_length', '0'],
    ['min_password_length', '73'],
    ['password_rounds', '3'],
    ['password_rounds', '16'],
    ['admin_username', 'a:b'],
    ['admin_username', ' a'],
    ['trusted_proxies', '10.0.0.0/33'],
    ['trusted_proxies', '0.0.0.0/0'],
    ['trusted_proxies', '::/0'],
    ['trusted_proxies', '10.0.0.1,,10.0.0.2'],
    ['trusted_proxies', '10.0.0.256'],
    ['trusted_proxies', '10.0.0'],
    ['trusted_proxies', 'all'],
    ['trusted_proxies', 'True'],
    ['trusted_proxies', '*'],
    ['trusted_proxies', 'loopback/8'],
    ['trusted_proxies', 'http://proxy'],
    ['static_prefix', 'mlflow'],
    ['static_prefix', '/mlflow/'],
    ['static_prefix', '/'],
    ['static_prefix', '/a//b'],
    ['static_prefix', '/a/../b'],
    ['static_prefix', '/a%2fb'],
    ['static_prefix', '/health'],
    ['metrics_port', '65536'],
    ['hsts_seconds', 'max-age=1'],
    ['admin_password', 'admin'],
    ['admin_password', 'password1234'],
    ['admin_password', 'eleven char'],
    ['admin_password', 'é'.repeat(37)],
  ])('%s cannot be %s', (key, value) => {
    expect(problemsOf(() => load({ [variableOf(key)]: value }))).toEqual([
      expect.stringMatching(new RegExp(`^${variableOf(key)}: (write|this is)`)),
    ]);
  });

  test.each([
    ['upstream_uri', 'https://mlflow.example'],
    ['upstream_uri', 'http://[::1]:5001/'],
    ['upstream_uri', 'unix:/run/mlflow.sock'],
    ['database_uri', 'sqlite://'],
    ['trusted_proxies', '10.0.0.7, 192.168.0.0/16,fd00::/8'],
    ['trusted_proxies', 'loopback, uniquelocal,caddy, edge_1.example.com'],
    ['admin_password', 'é'.repeat(36)],
  ])('%s can be %s', (key, value) => {
    expect(load({ [variableOf(key)]: value }).warnings).toEqual([]);
  });

  test.each([
    ['tls_cert_file', 'cert.pem'],
    ['tls_key_file', 'key.pem'],
  ])('%s alone is a problem', (key, value) => {
    expect(problemsOf(() => load({ [variableOf(key)]: value }))).toEqual([
      expect.stringMatching(/write tls_cert_file and tls_key_file both, or neither$/),
    ]);
  });

  test('a password shorter than min_password_length is measured by the length that was set', () => {
    const env = { MLFLOW_AUTH_ADMIN_PASSWORD: 'correct horse', MLFLOW_AUTH_MIN_PASSWORD_LENGTH: '14' };
    expect(problemsOf(() => load(env))).toEqual([
      'MLFLOW_AUTH_ADMIN_PASSWORD: write at least 14 characters (min_password_length)',
    ]);
  });

  test.each([
    ['default_permission = read', { default_permission: 'READ' }],
    ['default_permission = No_Permissions', { default_permission: 'NO_PERMISSIONS' }],
    ['log_level = WARN', { log_level: 'warn' }],
    ['upstream_keep_alive = False', { upstream_keep_alive: false }],
  ])('a word may be written in any letter case: %s', (line, config) => {
    expect(loadSection(line).config).toMatchObject(config);
  });

  test.each([
    ['admin_password = "a long enough password"', 'admin_password'],
    ["admin_username = 'ann'", 'admin_username'],
  ])('quotes around a value are taken as part of it, with a warning: %s', (line, key) => {
    expect(loadSection(line).warnings).toEqual([
      `${key} in config/basic-auth.ini stands in quotes, which are taken as part of the value: leave them out unless they are meant.`,
    ]);
    const [, value = ''] = line.split(' = ');
    const variable = variableOf(key);
    expect(load({ [variable]: value }).warnings).toEqual([
      expect.stringContaining(`${variable} stands in quotes`),
    ]);
  });

  test.each(['"', 'it is "quoted"', '"one" and "two', `'a"`])('%s stands in no quotes', (name) => {
    expect(loadSection(`admin_username = ${name}`).warnings).toEqual([]);
  });

  test('a value that is wrong for its quotes is told so', () => {
    expect(problemsOf(() => loadSection('port = "81"\ndefault_permission = \'READ\''))).toEqual([
      'default_permission in config/basic-auth.ini: write one of READ, USE, EDIT, MANAGE, NO_PERMISSIONS, without quotes',
      'port in config/basic-auth.ini: write a whole number from 0 to 65535, without quotes',
    ]);
  });

  test.each([
    ['127.0.0.1', false],
    ['127.1.2.3', false],
    ['::1', false],
    ['localhost', false],
    ['0.0.0.0', true],
    ['::', true],
    ['10.0.0.7', true],
    ['mlflow.example.com', true],
    ['127.0.0.1.example.com', true],
  ])('plain HTTP on %s is a warning: %s', (host, warns) => {
    const warnings = load({ MLFLOW_AUTH_HOST: host }).warnings;
    expect(warnings).toEqual(
      warns ? [expect.stringMatching(/^MLFLOW_AUTH_HOST is .* passwords .* TLS/)] : [],
    );
    expect(load({ MLFLOW_AUTH_HOST: host, MLFLOW_AUTH_TRUSTED_PROXIES: '10.0.0.1' }).warnings).toEqual([]);
  });

  test('few password rounds are a warning', () => {
    expect(load({ MLFLOW_AUTH_PASSWORD_ROUNDS: '9' }).warnings).toEqual([
      'MLFLOW_AUTH_PASSWORD_ROUNDS is below 10: stolen password hashes would be cheap to guess.',
    ]);
    expect(load({ MLFLOW_AUTH_PASSWORD_ROUNDS: '10' }).warnings).toEqual([]);
  });
});

test('the administrator’s password prints nowhere', () => {
  const { config } = load({ MLFLOW_AUTH_ADMIN_PASSWORD: 'correct horse battery' });
  for (const shown of [JSON.stringify(config), inspect(config), `${config.admin_password}`]) {
    expect(shown).not.toContain('horse');
    expect(shown).toContain('[secret]');
  }
  expect(config.admin_password?.reveal()).toBe('correct horse battery');
});
