/** A store on a real PostgreSQL that speaks TLS: it is recognised by its authority and its name, or not spoken to. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { writeCertificates } from '../support/certificates.ts';
import { type RunningPostgresql, startPostgresql } from '../support/postgresql.ts';
import { addUser } from './temporary.ts';

const dir = mkdtempSync(join(tmpdir(), 'postgresql-tls-'));
const at = (name: string) => join(dir, name);
let postgresql: RunningPostgresql;
let uri: string;

beforeAll(async () => {
  writeCertificates(dir);
  chmodSync(dir, 0o755);
  postgresql = await startPostgresql();
  uri = await postgresql.database();
});
afterAll(async () => {
  await postgresql.close();
  rmSync(dir, { recursive: true });
});

async function sql(text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(uri.replace('+psycopg2', ''));
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}

async function open(options: string, host = '127.0.0.1') {
  const store = await openStore(uri.replace('@127.0.0.1:', `@${host}:`) + options, {
    clock: Date.now,
    timeoutSeconds: 5,
  });
  onTestFinished(() => store.close());
  return store;
}

test('a server without TLS is not spoken to where it is required', async () => {
  await expect(open('?sslmode=require')).rejects.toThrow();
  await expect(open(`?sslmode=verify-full&sslrootcert=${at('ca.pem')}`)).rejects.toThrow();
});

test('one with TLS is recognised by its authority and its name, and every connection is encrypted', async () => {
  // PostgreSQL takes a key that is its own alone.
  chmodSync(at('server.key'), 0o600);
  if (process.getuid?.() === 0) {
    execFileSync('chown', ['postgres', at('server.key')]);
  }
  await sql(`alter system set ssl_cert_file = '${at('server.pem')}'`);
  await sql(`alter system set ssl_key_file = '${at('server.key')}'`);
  await sql('alter system set ssl = on');
  await sql('select pg_reload_conf()');
  await expect.poll(async () => (await sql('show ssl'))[0]).toEqual({ ssl: 'on' });

  const full = `?sslmode=verify-full&sslrootcert=${at('ca.pem')}`;
  const store = await open(full);
  await addUser(store, 'alice');
  const others = await sql(`
    select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid)
    where datname = current_database() and pid <> pg_backend_pid()`);
  expect(others).toEqual([{ ssl: true }]);

  await expect(open(`?sslmode=verify-full&sslrootcert=${at('other.pem')}`)).rejects.toThrow();
  await expect(open(`?sslmode=verify-ca&sslrootcert=${at('other.pem')}`)).rejects.toThrow();
  // The same server by a name that its certificate, for localhost and 127.0.0.1, does not have.
  const elsewhere = '[::ffff:127.0.0.1]';
  await open(`?sslmode=verify-ca&sslrootcert=${at('ca.pem')}`, elsewhere);
  await expect(open(full, elsewhere)).rejects.toThrow();
  await open('?sslmode=require');
});
