import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useRef } from 'react';
import { Form as AriaForm, Button } from 'react-aria-components';
import { T } from '../texts.ts';
import { Failure } from './answered.tsx';

/**
 * Fields and a button that does something with them. While it is done the button waits; a refusal shows above it, and what
 * was typed stays. Whatever is shown is asked for anew after a success.
 */
export function Form<Result>({
  act,
  done,
  cancel,
  submit,
  isDanger = false,
  children,
}: {
  readonly act: () => Promise<Result>;
  readonly done?: (result: Result) => void;
  readonly cancel?: () => void;
  readonly submit: string;
  readonly isDanger?: boolean;
  readonly children: ReactNode;
}) {
  const queries = useQueryClient();
  // Of this moment: a button that is pressed twice may be so before it has been shown as waiting.
  const isActing = useRef(false);
  const acting = useMutation({
    mutationFn: act,
    onSuccess: (result) => done?.(result),
    // After a failure too: a part may have been done, or somebody else has changed it meanwhile.
    onSettled: () => {
      isActing.current = false;
      return queries.invalidateQueries();
    },
  });
  return (
    <AriaForm
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isActing.current) {
          isActing.current = true;
          acting.mutate();
        }
      }}
    >
      {children}
      {acting.error === null ? null : <Failure error={acting.error} />}
      <div className="buttons">
        <Button type="submit" className={isDanger ? 'danger' : 'main'} isPending={acting.isPending}>
          {acting.isPending ? T.waiting : submit}
        </Button>
        {cancel === undefined ? null : <Button onPress={cancel}>{T.cancel}</Button>}
      </div>
    </AriaForm>
  );
}
