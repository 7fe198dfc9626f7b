import { Button } from 'react-aria-components';
import type { Answer } from '../../../admin/contract/index.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Part } from '../../parts/page.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';

type Told = Answer<'status'>;

/** How the gateway, its store and MLflow are. */
export function Status() {
  return (
    <AdminPage title={T.status.title}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const status = useAsk('status', {});
  return (
    <Answered query={status}>
      {(told) => (
        <>
          <Button onPress={() => void status.refetch()}>{T.status.refresh}</Button>
          <Gateway told={told} />
          <Part title={T.status.store}>
            <dl>
              <PartOf part={told.store} />
              <dt>{T.status.intents}</dt>
              <dd>{told.store.open_intents}</dd>
            </dl>
          </Part>
          <Mlflow told={told.upstream} />
        </>
      )}
    </Answered>
  );
}

function Gateway({ told }: { readonly told: Told }) {
  return (
    <dl>
      <dt>{T.status.version}</dt>
      <dd>{told.version}</dd>
      <dt>{T.status.since}</dt>
      <dd>
        <Moment at={told.started_at} />
      </dd>
      <dt>{T.status.enforcement}</dt>
      <dd>{told.enforcement === 'enforce' ? T.status.enforced : T.status.reported}</dd>
      {told.certificate === undefined ? null : (
        <>
          <dt>{T.status.certificate}</dt>
          <dd>
            <Moment at={told.certificate.ends_at} />
          </dd>
        </>
      )}
    </dl>
  );
}

function Mlflow({ told }: { readonly told: Told['upstream'] }) {
  return (
    <Part title={T.status.mlflow}>
      <dl>
        <PartOf part={told} />
        <dt>{T.status.version}</dt>
        <dd>{told.mlflow_version ?? '?'}</dd>
        <dt>{T.status.coverage}</dt>
        <dd>{told.coverage ?? '?'}</dd>
      </dl>
      <Sentences title={T.status.problems} sentences={told.problems} />
      <Sentences title={T.status.notes} sentences={told.notes} />
    </Part>
  );
}

function PartOf({ part }: { readonly part: Pick<Told['store'], 'ready' | 'latency_ms' | 'because'> }) {
  return (
    <>
      <dt>{T.users.state}</dt>
      <dd>
        {part.ready ? T.status.ready : T.status.notReady}, {T.status.latency(part.latency_ms)}
        {part.because === undefined ? '' : `: ${part.because}`}
      </dd>
    </>
  );
}

function Sentences({ title, sentences = [] }: { title: string; sentences?: readonly string[] | undefined }) {
  return sentences.length === 0 ? null : (
    <>
      <h3>{title}</h3>
      <ul>
        {sentences.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </>
  );
}
