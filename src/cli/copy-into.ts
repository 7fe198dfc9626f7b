import { describeDatabaseUri } from '../config/database-uri.ts';
import { type Copied, copyRows } from '../store/copy.ts';
import { explain } from './explain.ts';
import { complain, type Io } from './io.ts';
import { printable } from './printable.ts';

/** What stands before the name of a variable that holds a URI. */
const VARIABLE = 'env:';

/**
 * `mlflow-auth-gateway copy-store FROM TO`: all that is in one store into another, of whatever product, held against it
 * afterwards. Either may be `env:NAME`, for a URI whose password should not stand in the list of processes. The target
 * must hold no users.
 *
 * @returns the exit code.
 */
export async function copyInto(from: string, to: string, io: Io): Promise<number> {
  try {
    const [source, target] = [uriIn(from, io), uriIn(to, io)];
    const copied = await copyRows(source, target, { clock: io.clock });
    const [shownSource, shownTarget] = [source, target].map((uri) => printable(describeDatabaseUri(uri)));
    io.stdout.write(
      `Copied ${shownSource} to ${shownTarget}: ${describeCopied(copied)}. The copy is the same.\n`,
    );
    return 0;
  } catch (error) {
    complain(io, explain(error));
    return 1;
  }
}

/** @throws Error that names the variable, if it is not set. */
function uriIn(argument: string, { env }: Io): string {
  if (!argument.startsWith(VARIABLE)) {
    return argument;
  }
  const name = argument.slice(VARIABLE.length);
  const uri = env[name];
  if (!uri) {
    throw new Error(
      `The variable ${name} is not set. Set it to the URI of a store, such as postgresql://user:password@host/database.`,
    );
  }
  return uri;
}

const describeCopied = (copied: Copied): string =>
  [...copied]
    .filter(([table, rows]) => table === 'users' || rows > 0)
    .map(([table, rows]) => `${table} ${rows}`)
    .join(', ');
