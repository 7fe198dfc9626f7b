import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask, Refusal, workspaceOf } from '../../api/client.ts';
import type { Filters } from './audit-filters.tsx';

export type Entry = Answer<'audit.search'>['entries'][number];

const EVERY_MS = 3_000;
/** An entry is found a second after its request at the latest, and gateways' clocks differ: so far back it is looked again. */
const OVERLAP_MS = 10_000;
const PAGE = '200';
/** What has come while nobody looked is asked for anew from the top, where it is more than this. */
const MOST_FRESH = 1_000;
/** A page that goes on asking keeps its session from ending unused. So it asks only while somebody is there. */
const IDLE_MS = 15 * 60_000;
const SIGNS_OF_LIFE = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

/** Entries that have come since the page was opened. */
export interface Live {
  readonly fresh: readonly Entry[];
  /** Why they could not be asked for; the next try may do better. */
  readonly error: Error | null;
}

/**
 * Asks for new entries every few seconds, not in a tab that is hidden.
 *
 * @param known - the entries that the page has; undefined while it is waiting for them.
 */
export function useLive(filters: Filters, known: readonly Entry[] | undefined, isOn: boolean): Live {
  const [fresh, setFresh] = useState<readonly Entry[]>([]);
  const queries = useQueryClient();
  const { data, error } = useQuery({
    queryKey: [workspaceOf(), 'audit live', filters],
    queryFn: ({ signal }) => newerThan(newestIn([...fresh, ...(known ?? [])]), filters, signal),
    enabled: isOn && known !== undefined,
    refetchInterval: ({ state }) => (isSignedOut(state.error) ? false : EVERY_MS),
    staleTime: 0,
    gcTime: 0,
  });
  useEffect(() => {
    if (data === undefined || known === undefined) {
      return;
    }
    if (data === 'too many') {
      setFresh([]);
      void queries.resetQueries({ queryKey: [workspaceOf(), 'audit.search'] });
      return;
    }
    const ids = new Set(known.map(({ entry_id: id }) => id));
    const unknown = data.filter(({ entry_id: id }) => !ids.has(id));
    setFresh((before) => (unknown.length === 0 ? before : inOrder([...unknown, ...before])));
  }, [data, known, queries]);
  return { fresh, error };
}

/** Entries newest first, each once. */
export function inOrder(entries: readonly Entry[]): readonly Entry[] {
  const byId = new Map(entries.map((entry) => [entry.entry_id, entry]));
  return [...byId.values()].toSorted((one, other) => (one.entry_id < other.entry_id ? 1 : -1));
}

const newestIn = (entries: readonly Entry[]): number | undefined =>
  entries.length === 0 ? undefined : Math.max(...entries.map(({ at }) => at));

const isSignedOut = (error: unknown): boolean => error instanceof Refusal && error.status === 401;

async function newerThan(
  newest: number | undefined,
  filters: Filters,
  signal: AbortSignal,
): Promise<readonly Entry[] | 'too many'> {
  const since = Math.max(Number(filters.since ?? 0), (newest ?? 0) - OVERLAP_MS);
  const found: Entry[] = [];
  let token: string | undefined;
  do {
    const asked = { ...filters, since: String(since), max_results: PAGE };
    const page = await ask(
      'audit.search',
      token === undefined ? asked : { ...asked, page_token: token },
      signal,
    );
    found.push(...page.entries);
    token = page.next_page_token;
    if (found.length > MOST_FRESH) {
      return 'too many';
    }
  } while (token !== undefined);
  return found;
}

/**
 * Calls when nobody has touched the page for a while.
 *
 * @param left - must be the same function each time.
 */
export function useIdle(isOn: boolean, left: () => void): void {
  useEffect(() => {
    if (!isOn) {
      return;
    }
    let timer = window.setTimeout(left, IDLE_MS);
    const stay = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(left, IDLE_MS);
    };
    for (const sign of SIGNS_OF_LIFE) {
      window.addEventListener(sign, stay, { passive: true });
    }
    return () => {
      window.clearTimeout(timer);
      for (const sign of SIGNS_OF_LIFE) {
        window.removeEventListener(sign, stay);
      }
    };
  }, [isOn, left]);
}

/** How long a number is left as it is once it was told. */
const TOLD_EVERY_MS = 10_000;

/** A number that changes every few seconds, told so seldom that whoever hears it can go on reading. */
export function useSeldom(value: number): number {
  const [told, setTold] = useState({ value, at: 0 });
  useEffect(() => {
    if (value === told.value) {
      return;
    }
    const wait = Math.max(0, told.at + TOLD_EVERY_MS - Date.now());
    const timer = window.setTimeout(() => setTold({ value, at: Date.now() }), wait);
    return () => window.clearTimeout(timer);
  }, [value, told]);
  return told.value;
}
