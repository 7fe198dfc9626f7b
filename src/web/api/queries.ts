import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { Answer, OperationName, Parameters } from '../../admin/contract/index.ts';
import { ask, askMlflow, Refusal, workspaceOf } from './client.ts';

/** Who looks at the page. */
export const useMe = () => useAsk('users.current', {});

/** What an operation that only reads answers. */
export function useAsk<Name extends OperationName>(
  name: Name,
  sent: Parameters<Name>,
  { enabled = true, keepsBefore = false }: AskOptions = {},
) {
  return useQuery<Answer<Name>, Error>({
    queryKey: [workspaceOf(), name, sent],
    queryFn: ({ signal }) => ask(name, sent, signal),
    enabled,
    ...(keepsBefore && { placeholderData: keepPreviousData }),
  });
}

interface AskOptions {
  readonly enabled?: boolean;
  /** Whether the answer before stays until the next is there; for what is typed letter by letter. */
  readonly keepsBefore?: boolean;
}

/** How many rows of a list are asked for at once. */
const PAGE = '50';

type Listing = Extract<
  { [Name in OperationName]: 'page_token' extends keyof Parameters<Name> ? Name : never }[OperationName],
  OperationName
>;

/** The answers to a list so far, and how to ask for the next page; `more` is undefined after the last. */
export function useList<Name extends Listing>(
  name: Name,
  sent: Omit<Parameters<Name>, 'page_token' | 'max_results'>,
  { enabled = true, keepsBefore = false }: AskOptions = {},
) {
  const found = useInfiniteQuery({
    queryKey: [workspaceOf(), name, sent, 'pages'],
    queryFn: ({ pageParam, signal }) =>
      ask(
        name,
        {
          ...sent,
          max_results: PAGE,
          ...(pageParam !== '' && { page_token: pageParam }),
        } as Parameters<Name>,
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => (last as { readonly next_page_token?: string | undefined }).next_page_token,
    enabled,
    ...(keepsBefore && { placeholderData: keepPreviousData }),
  });
  return {
    query: {
      data: found.data?.pages as readonly Answer<Name>[] | undefined,
      error: found.error,
      refetch: found.refetch,
    },
    more: found.hasNextPage ? () => void found.fetchNextPage() : undefined,
  };
}

/** What MLflow calls a thing; the id itself where it does not say. */
export function useThingName(kind: string, id: string): string {
  const { data } = useQuery({
    queryKey: [workspaceOf(), 'experiment name', id],
    queryFn: ({ signal }) => askMlflow('experiments/get', { experiment_id: id }, signal).catch(unnamed),
    enabled: kind === 'experiment' && /^\d+$/.test(id),
    staleTime: 60_000,
  });
  const { experiment } = (data ?? {}) as { readonly experiment?: { readonly name?: unknown } };
  return typeof experiment?.name === 'string' ? experiment.name : id;
}

/** What may not be read, or is gone, has no name to show. */
function unnamed(error: unknown): object {
  if (error instanceof Refusal) {
    return {};
  }
  throw error;
}
