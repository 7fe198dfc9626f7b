import type { ReactNode } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { T } from '../texts.ts';
import { Form } from './form.tsx';

/** A button that opens a dialog; what is inside gets a way to close it. */
export function DialogButton({
  button,
  label,
  title,
  isDanger = false,
  children,
}: {
  readonly button: string;
  /** What the button is called where its own words do not tell what it is about. */
  readonly label?: string;
  readonly title: string;
  readonly isDanger?: boolean;
  readonly children: (close: () => void) => ReactNode;
}) {
  return (
    <DialogTrigger>
      <Button className={isDanger ? 'danger' : ''} {...(label !== undefined && { 'aria-label': label })}>
        {button}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog className="dialog" role={isDanger ? 'alertdialog' : 'dialog'}>
            {({ close }) => (
              <>
                <Heading slot="title">{title}</Heading>
                {children(close)}
              </>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

/** A button that asks before it does something, and says what will be lost. */
export function ConfirmButton({
  button,
  label,
  title,
  loses,
  act,
}: {
  readonly button: string;
  readonly label: string;
  readonly title: string;
  readonly loses: ReactNode;
  readonly act: () => Promise<unknown>;
}) {
  return (
    <DialogButton button={button} label={label} title={title} isDanger>
      {(close) => (
        <Form act={act} done={close} cancel={close} submit={button} isDanger>
          <div>{loses}</div>
        </Form>
      )}
    </DialogButton>
  );
}

/** The button that closes a dialog. */
export function CloseButton({ close }: { readonly close: () => void }) {
  return (
    <div className="buttons">
      <Button onPress={close}>{T.close}</Button>
    </div>
  );
}
