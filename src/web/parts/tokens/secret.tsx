import { PREFIX } from '../../api/client.ts';
import { T } from '../../texts.ts';
import { CopyBlock } from '../copy.tsx';
import { CloseButton } from '../dialog.tsx';

/** A secret that is shown only now, with the lines that use it. */
export function ShownSecret({
  username,
  secret,
  close,
}: {
  readonly username: string;
  readonly secret: string;
  readonly close: () => void;
}) {
  const uri = `${window.location.origin}${PREFIX}`;
  return (
    <>
      <p role="status">{T.tokens.once}</p>
      <CopyBlock title={T.tokens.secret} text={secret} />
      <CopyBlock
        title={T.tokens.shell}
        text={`export MLFLOW_TRACKING_URI=${uri}\nexport MLFLOW_TRACKING_TOKEN=${secret}`}
      />
      <CopyBlock
        title={T.tokens.python}
        text={`import os\nimport mlflow\n\nos.environ["MLFLOW_TRACKING_TOKEN"] = "${secret}"\nmlflow.set_tracking_uri("${uri}")`}
      />
      <CopyBlock
        title={T.tokens.file}
        text={`[mlflow]\nmlflow_tracking_username = ${username}\nmlflow_tracking_password = ${secret}`}
      />
      <CopyBlock
        title={T.tokens.ci}
        text={`env:\n  MLFLOW_TRACKING_URI: ${uri}\n  MLFLOW_TRACKING_TOKEN: \${{ secrets.MLFLOW_TRACKING_TOKEN }}`}
      />
      <CloseButton close={close} />
    </>
  );
}
