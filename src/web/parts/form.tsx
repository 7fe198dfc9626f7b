import type { ReactNode } from 'react';
import { Form as AriaForm, Button } from 'react-aria-components';
import { T } from '../texts.ts';
import { Failure } from './answered.tsx';
import { useAct } from './use-act.ts';

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
  const { start, isPending, error } = useAct(act, done);
  return (
    <AriaForm
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      {children}
      {error === null ? null : <Failure error={error} />}
      <div className="buttons">
        <Button type="submit" className={isDanger ? 'danger' : 'main'} isPending={isPending}>
          {isPending ? T.waiting : submit}
        </Button>
        {cancel === undefined ? null : <Button onPress={cancel}>{T.cancel}</Button>}
      </div>
    </AriaForm>
  );
}
