import { Button } from 'react-aria-components';
import { T } from '../texts.ts';
import { useSay } from './say.tsx';

/** A button that copies a text. */
export function Copy({ text, button = T.copy, label }: CopyProps) {
  const say = useSay();
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => say(T.copied),
      () => say(T.notCopied),
    ) ?? say(T.notCopied);
  return (
    <Button onPress={() => void copy()} {...(label !== undefined && { 'aria-label': label })}>
      {button}
    </Button>
  );
}

interface CopyProps {
  readonly text: string;
  readonly button?: string;
  readonly label?: string;
}

/** Text as it is to be pasted, with a button beside it. */
export function CopyBlock({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <div className="copy-block">
      <div className="copy-head">
        <span>{title}</span>
        <Copy text={text} label={T.copyWhat(title)} />
      </div>
      {/* A keyboard must reach what can be scrolled. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
