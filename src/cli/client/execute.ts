import { refused } from '../failure.ts';
import type { AskingCommand, Plan } from './command.ts';
import type { JsonObject } from './json.ts';
import { leftBehind, previewOf, remarkOnPreview } from './preview.ts';
import type { Input } from './send.ts';
import { ServerRefusal } from './send.ts';
import { findRole, type StepTools } from './steps.ts';
import { insistOnId, lookAt, remarkOn, type Thing } from './thing.ts';

/** What a command came to. */
export interface Outcome {
  /** Absent where the answer holds nothing. */
  readonly shows: Plan['shows'];
  readonly rows: readonly JsonObject[];
  /** Why there are no rows, if that is worth a word. */
  readonly whyEmpty: string | undefined;
  /** What was done, but may not be what was meant. */
  readonly warning: string | undefined;
}

/**
 * Runs one command: what it must know first, the call, and the second try where the server asked for more.
 *
 * @throws ServerRefusal with the server's words, CommandFailure for everything else.
 */
export async function execute(command: AskingCommand, given: Input, tools: StepTools): Promise<Outcome> {
  const named = await withRoleId(command, given, tools);
  if (named['dry_run'] === true) {
    return preview(command, named, tools);
  }
  const known = command.before === undefined ? named : ((await command.before(named, tools)) ?? named);
  const plan: Plan =
    typeof command.call === 'function'
      ? command.call(known)
      : { call: command.call, input: known, shows: command.shows };
  const { shows } = plan;
  const thing = command.on?.(given);
  const warning = command.gives === true && thing !== undefined ? await checkGiven(thing, tools) : undefined;
  const reply = await call(command, plan, thing, tools);
  const replies = shows?.list === true ? [reply, ...(await laterPages(reply, plan, tools))] : [reply];
  const rows = replies.flatMap((each) => shows?.pick(each) ?? []);
  if (shows !== undefined && !shows.list && rows.length === 0) {
    throw refused('The server did what was asked, but its answer is not the one of an MLflow server.');
  }
  const nothing = shows?.list === true && rows.length === 0;
  const remark = nothing && thing !== undefined ? remarkOn(thing, await lookAt(thing, tools.ask)) : undefined;
  return {
    shows,
    rows,
    warning: warning ?? command.warns?.(reply, given),
    whyEmpty: nothing ? (remark ?? shows.whyEmpty?.(reply, given)) : undefined,
  };
}

/** What the command would do. */
async function preview(command: AskingCommand, input: Input, { send }: StepTools): Promise<Outcome> {
  const { call: asked, input: sent, shows } = previewOf(command, input);
  const reply = await send(asked, sent);
  const rows = shows?.pick(reply) ?? [];
  return {
    shows,
    rows,
    warning: rows.length === 0 ? leftBehind(reply) : remarkOnPreview(reply),
    whyEmpty: rows.length === 0 ? shows?.whyEmpty?.(reply, input) : undefined,
  };
}

/**
 * Looks at what is to be given before it is.
 *
 * @returns the warning that goes with it.
 * @throws CommandFailure (exit code 2) for what can be no id, such as a name where an id belongs.
 */
async function checkGiven(thing: Thing, { ask }: StepTools): Promise<string | undefined> {
  const found = await lookAt(thing, ask);
  insistOnId(thing, found);
  const remark = remarkOn(thing, found);
  return remark && `${remark} The permission opens nothing, and is gone once one is created.`;
}

/** Makes the call, a second time with what the server asked for, and says what was meant where it knows no such thing. */
async function call(
  command: AskingCommand,
  { call: asked, input }: Plan,
  thing: Thing | undefined,
  tools: StepTools,
): Promise<JsonObject> {
  try {
    return await tools.send(asked, input);
  } catch (error) {
    if (!(error instanceof ServerRefusal)) {
      throw error;
    }
    const better = await command.again?.(input, { ...tools, refusal: error });
    if (better !== undefined) {
      return tools.send(asked, better);
    }
    const remark =
      error.code === 'RESOURCE_DOES_NOT_EXIST' && thing !== undefined
        ? remarkOn(thing, await lookAt(thing, tools.ask))
        : undefined;
    throw remark === undefined ? error : new ServerRefusal(error.status, error.code, error.message, remark);
  }
}

/** The pages of a list behind the first. */
async function laterPages(
  first: JsonObject,
  { call: asked, input }: Plan,
  { send }: StepTools,
): Promise<readonly JsonObject[]> {
  const pages: JsonObject[] = [];
  let token = first['next_page_token'];
  while (typeof token === 'string' && token !== '') {
    const page = await send(asked, { ...input, page_token: token });
    pages.push(page);
    token = page['next_page_token'] === token ? undefined : page['next_page_token'];
  }
  return pages;
}

async function withRoleId(command: AskingCommand, input: Input, { send }: StepTools): Promise<Input> {
  const role = command.takes.find(({ reads }) => reads === 'role');
  return role === undefined
    ? input
    : { ...input, [role.field]: await findRole(String(input[role.field]), send) };
}
