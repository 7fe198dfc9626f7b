import { setTimeout } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { unavailable } from '../../../errors.ts';
import type { ChangeRow, FeedAnswer, FeedReader } from '../../engine.ts';
import { answering } from './answering.ts';

export interface PostgresqlFeed extends FeedReader {
  newest(): Promise<number>;
  from(id: number): Promise<FeedAnswer>;
  close(): Promise<void>;
}

/**
 * Reads the feed on a connection of its own, which no query of others keeps busy. Once that is lost nobody can tell
 * whether the database is still the one that was read: after a failover its last changes may be missing.
 */
export function createFeed(config: ClientConfig): PostgresqlFeed {
  let connected: Promise<Client> | undefined;
  let isLost = false;
  let isClosed = false;

  async function connect(): Promise<Client> {
    const client = new Client(config);
    client.on('error', () => lose(client));
    try {
      await client.connect();
      return client;
    } catch (error) {
      lose(client);
      throw error;
    }
  }

  function lose(client: Client): void {
    connected = undefined;
    isLost = true;
    client.end().catch(() => undefined);
  }

  async function ask<R extends object>(name: string, text: string, values: unknown[]): Promise<readonly R[]> {
    if (isClosed) {
      throw unavailable('The store gave no answer.', new Error('It has been closed.'));
    }
    return answering(async () => {
      connected ??= connect();
      const client = await connected;
      try {
        const { rows } = await client.query<R>({ name, text, values });
        return rows;
      } catch (error) {
        lose(client);
        throw error;
      }
    });
  }

  return {
    async newest() {
      const [row] = await ask<{ id: number }>(
        'newest-change',
        'select coalesce(max(id), 0)::bigint as id from changes',
        [],
      );
      isLost = false;
      return row?.id ?? 0;
    },
    async from(id) {
      const rows = await ask<ChangeRow>(
        'changes-from',
        'select id, user_id from changes where id >= $1 order by id',
        [id],
      );
      if (isLost) {
        isLost = false;
        return 'lost';
      }
      return rows;
    },
    async close() {
      isClosed = true;
      const client = await connected?.catch(() => undefined);
      connected = undefined;
      await Promise.race([client?.end().catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
    },
  };
}
