import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readDatabaseUri } from '../../src/config/database-uri.ts';

describe('a database URI means what it means to SQLAlchemy', () => {
  test.each([
    ['sqlite:///basic_auth.db', { file: resolve('basic_auth.db') }],
    ['sqlite:///data/a b.db', { file: resolve('data/a b.db') }],
    ['sqlite:////var/lib/gateway.db', { file: '/var/lib/gateway.db' }],
    ['sqlite+pysqlite:////var/lib/gateway.db', { file: '/var/lib/gateway.db' }],
    ['sqlite://', 'memory'],
    ['sqlite:///', 'memory'],
    ['sqlite:///:memory:', 'memory'],
  ])('%s', (uri, location) => expect(readDatabaseUri(uri)).toEqual(location));
});

test.each(['postgresql://u:secret@h/db', 'postgres://u:secret@h/db', 'postgresql+psycopg2://u:secret@h/db'])(
  '%s is not offered yet, and its password is not repeated',
  (uri) => {
    expect(() => readDatabaseUri(uri)).toThrow(/not offered yet/);
    expect(() => readDatabaseUri(uri)).not.toThrow(/secret/);
  },
);

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
