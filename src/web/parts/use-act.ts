import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';

/** Something that a press does. */
interface Acting {
  /** Does it, unless it is being done already. */
  readonly start: () => void;
  readonly isPending: boolean;
  /** Why it failed when it was last done; null if it did not. */
  readonly error: Error | null;
}

/**
 * What a press does, once at a time: a button that is pressed twice may be so before it has been shown as waiting.
 * Whatever is shown is asked for anew when it has ended.
 */
export function useAct<Result>(
  act: () => Promise<Result>,
  done: (result: Result) => void = () => {},
): Acting {
  const queries = useQueryClient();
  // Of this moment: what is shown is of a moment before.
  const isActing = useRef(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: act,
    onSuccess: done,
    // After a failure too: a part may have been done, or somebody else has changed it meanwhile.
    onSettled: () =>
      queries.invalidateQueries().finally(() => {
        isActing.current = false;
      }),
  });
  const start = () => {
    if (!isActing.current) {
      isActing.current = true;
      mutate();
    }
  };
  return { start, isPending, error };
}
