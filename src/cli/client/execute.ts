import { refused } from '../failure.ts';
import type { Command, Shows } from './command.ts';
import type { JsonObject } from './json.ts';
import type { Input } from './send.ts';
import { ServerRefusal } from './send.ts';
import { findRole, type StepTools } from './steps.ts';

/** What a command came to. `shows` is absent where the answer holds nothing. */
export interface Outcome {
  readonly shows: Shows | undefined;
  readonly rows: readonly JsonObject[];
}

/**
 * Runs one command: what it must know first, the call, and the second try where the server asked for more.
 *
 * @throws ServerRefusal with the server's words, CommandFailure for everything else.
 */
export async function execute(command: Command, given: Input, tools: StepTools): Promise<Outcome> {
  const named = await withRoleId(command, given, tools);
  const known = command.before === undefined ? named : ((await command.before(named, tools)) ?? named);
  const { call, input, shows } =
    typeof command.call === 'function'
      ? command.call(known)
      : { call: command.call, input: known, shows: command.shows };
  const reply = await tools.send(call, input).catch(async (error: unknown) => {
    const better =
      error instanceof ServerRefusal ? await command.again?.(input, { ...tools, refusal: error }) : undefined;
    if (better === undefined) {
      throw error;
    }
    return tools.send(call, better);
  });
  const rows = shows?.pick(reply) ?? [];
  if (shows !== undefined && !shows.list && rows.length === 0) {
    throw refused('The server did what was asked, but its answer is not the one of an MLflow server.');
  }
  return { shows, rows };
}

async function withRoleId(command: Command, input: Input, { send }: StepTools): Promise<Input> {
  const role = command.takes.find(({ reads }) => reads === 'role');
  return role === undefined
    ? input
    : { ...input, [role.field]: await findRole(String(input[role.field]), send) };
}
