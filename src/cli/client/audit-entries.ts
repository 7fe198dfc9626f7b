import { CommandFailure } from '../failure.ts';
import type { StreamTools } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import { type Input, ServerRefusal } from './send.ts';

type Asking = Pick<StreamTools, 'send'>;

/** A page of entries, newest first. */
interface Page {
  readonly entries: readonly JsonObject[];
  readonly isLast: boolean;
}

const MOST_AT_ONCE = 1000;
/**
 * How far back is looked for entries that came late: one is found at the latest a second after its answer, and the clocks
 * of gateways on one store may differ.
 */
const LATE_MS = 10_000;

/** The entries of a search, a page at a time, none of which is kept. */
export async function* entriesNewestFirst(
  filter: Input,
  { send }: Asking,
  wanted = MOST_AT_ONCE,
): AsyncGenerator<Page> {
  const max_results = Math.min(wanted, MOST_AT_ONCE);
  let token: unknown;
  do {
    const page = await send(
      { method: 'GET', path: '2.0 audit/search' },
      { ...filter, max_results, ...(typeof token === 'string' && { page_token: token }) },
    );
    token = page['next_page_token'];
    yield { entries: objectsIn(page['entries']), isLast: typeof token !== 'string' };
  } while (typeof token === 'string');
}

/**
 * The newest entries and then what comes to be, oldest first, for as long as the server refuses nothing. A server that is
 * away is asked again.
 *
 * @param count - how many of what is there already.
 */
export async function* follow(
  filter: Input,
  count: number,
  tools: StreamTools,
): AsyncGenerator<readonly JsonObject[]> {
  let seen: ReadonlyMap<unknown, number> = new Map();
  let isAway = false;
  for (let wanted = count; ; wanted = MOST_AT_ONCE) {
    try {
      const { shown, recent } = await newSince(filter, seen, wanted, tools);
      seen = recent;
      isAway = false;
      if (shown.length > 0) {
        yield shown;
      }
    } catch (error) {
      if (!isPassing(error) || seen.size === 0) {
        throw error;
      }
      if (!isAway) {
        tools.say('The server is away; this goes on when it is back.');
      }
      isAway = true;
    }
    await tools.nextPoll();
  }
}

async function newSince(filter: Input, seen: ReadonlyMap<unknown, number>, wanted: number, tools: Asking) {
  const newest = Math.max(0, ...seen.values());
  const from = seen.size === 0 ? filter : { ...filter, since: newest - LATE_MS };
  const found: JsonObject[] = [];
  for await (const { entries } of entriesNewestFirst(from, tools, wanted)) {
    found.push(...entries);
    if (seen.size === 0) {
      break;
    }
  }
  const all = new Map([...seen, ...found.map((entry) => [entry['entry_id'], Number(entry['at'])] as const)]);
  const latest = Math.max(0, ...all.values());
  return {
    shown: found.filter((entry) => !seen.has(entry['entry_id'])).reverse(),
    recent: new Map([...all].filter(([, at]) => at >= latest - 2 * LATE_MS)),
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof ServerRefusal ? error.status >= 500 : error instanceof CommandFailure;
}
