import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DATABASE_FORMS, describeDatabaseUri, readDatabaseUri } from '../../src/config/database-uri.ts';
import { settings } from '../../src/config.ts';

describe('a database URI means what it means to SQLAlchemy', () => {
  test.each([
    ['sqlite:///basic_auth.db', resolve('basic_auth.db')],
    ['sqlite:///data/a b.db', resolve('data/a b.db')],
    ['sqlite:////var/lib/gateway.db', '/var/lib/gateway.db'],
    ['sqlite+pysqlite:////var/lib/gateway.db', '/var/lib/gateway.db'],
    ['sqlite://', undefined],
    ['sqlite:///', undefined],
    ['sqlite:///:memory:', undefined],
  ])('%s', (uri, file) => expect(readDatabaseUri(uri)).toEqual({ product: 'sqlite', file }));

  test.each([
    ['postgresql://u:p%40ss@h:5433/db', { host: 'h', port: 5433, database: 'db' }],
    ['postgres://u@h/db', { host: 'h', port: 5432, password: undefined }],
    ['postgresql+psycopg2://u:p@[::1]/d%20b', { host: '::1', database: 'd b' }],
    ['postgresql://h/db', undefined],
    ['postgresql://u@/db?host=/run/pg', { host: '/run/pg' }],
    ['postgresql://u@/db', { host: '/var/run/postgresql' }],
  ])('%s', (uri, location) => {
    if (location === undefined) {
      expect(() => readDatabaseUri(uri)).toThrow(/the user is missing/);
    } else {
      expect(readDatabaseUri(uri)).toMatchObject({
        product: 'postgresql',
        user: 'u',
        ssl: false,
        ...location,
      });
    }
  });

  test('the password is decoded, and printed nowhere', () => {
    const location = readDatabaseUri('postgresql://u:hunter%402@h/db');
    expect(location.product === 'postgresql' && location.password?.reveal()).toBe('hunter@2');
    expect(JSON.stringify(location)).not.toContain('hunter');
    expect(describeDatabaseUri('postgresql://u:s@cret@h:1/db')).toBe('postgresql://u:…@h:1/db');
    expect(describeDatabaseUri('sqlite:////a@b:c.db')).toBe('sqlite:////a@b:c.db');
  });

  test.each([
    ['disable', false],
    ['require', { rejectUnauthorized: false, servername: 'h' }],
    ['verify-ca', { rejectUnauthorized: true, servername: 'h' }],
    ['verify-full', { rejectUnauthorized: true, servername: 'h' }],
  ])('sslmode=%s', (mode, ssl) => {
    const location = readDatabaseUri(`postgresql://u@h/db?sslmode=${mode}`);
    expect(location.product === 'postgresql' && location.ssl).toEqual(ssl && expect.objectContaining(ssl));
  });
});

test.each([
  'postgresql://u:secret@h/db?sslmode=maybe',
  'postgresql://u:secret@h/db?options=x',
  'postgresql://u:secret@h',
  'postgresql://u:secret@h:70000/db',
  'mysql+pymysql://u:secret@h/db',
])('%s is refused, and its password not repeated', (uri) => {
  expect(() => readDatabaseUri(uri)).toThrow(/^write /);
  expect(() => readDatabaseUri(uri)).not.toThrow(/secret/);
});

test.each([
  'mysql://h/db',
  'basic_auth.db',
  '',
  'sqlite:basic_auth.db',
  'sqlite://basic_auth.db',
  'sqlite:///a.db?mode=ro',
])('%j is refused with what to write instead', (uri) =>
  expect(() => readDatabaseUri(uri)).toThrow(/^write /),
);

test.each(DATABASE_FORMS)('%s can be read, and stands in the manual and in docs/operations.md', (form) => {
  expect(() => readDatabaseUri(form.replace(':port', ''))).not.toThrow();
  const scheme = form.slice(0, form.indexOf(':') + 1);
  expect(settings.shape.database_uri.description).toContain(scheme);
  const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  expect(docs).toContain(`database_uri = ${form}`);
});
