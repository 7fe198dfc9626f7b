import { Button } from 'react-aria-components';
import type { Answer } from '../../../admin/contract/index.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Part } from '../../parts/page.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';

type Told = Answer<'providers.list'>;
type Provider = Told['providers'][number];

/** The providers of single sign-on: how each is set, and whether it can be asked. */
export function Providers() {
  return (
    <AdminPage title={T.providers.title} lead={T.providers.lead}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const found = useAsk('providers.list', {});
  return (
    <Answered query={found}>
      {({ providers, others }) => (
        <>
          {providers.length === 0 ? <p>{T.providers.none}</p> : null}
          {providers.map((provider) => (
            <OneProvider key={provider.name} provider={provider} />
          ))}
          <Others others={others} />
        </>
      )}
    </Answered>
  );
}

function OneProvider({ provider }: { readonly provider: Provider }) {
  const { redirect_uri: redirectUri } = provider;
  return (
    <Part title={provider.display_name}>
      <Reachability name={provider.name} />
      <dl>
        {rowsOf(provider).map(([head, text]) => (
          <div key={head}>
            <dt>{head}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {redirectUri === null ? null : (
        <Copy text={redirectUri} label={T.providers.copyRedirect(provider.display_name)} />
      )}
    </Part>
  );
}

/** Asked as a sign-in asks it, when the page opens and whenever that is wanted. */
function Reachability({ name }: { readonly name: string }) {
  const checked = useAsk('providers.check', { provider: name });
  return (
    <>
      <p role="status">
        {checked.isFetching ? (
          T.providers.asking
        ) : checked.data === undefined ? (
          (checked.error?.message ?? '')
        ) : (
          <>
            <strong>{checked.data.ready ? T.status.ready : T.status.notReady}</strong>: {checked.data.found}
          </>
        )}
      </p>
      <Button aria-label={T.providers.againOf(name)} onPress={() => void checked.refetch()}>
        {T.status.refresh}
      </Button>
    </>
  );
}

const listed = (texts: readonly string[] | null, none: string): string =>
  texts === null || texts.length === 0 ? none : texts.join(', ');

function rowsOf(provider: Provider): readonly (readonly [head: string, text: string])[] {
  const { providers: P } = T;
  return [
    [P.section, `oidc.${provider.name}`],
    [P.issuer, provider.issuer],
    [P.client, provider.client_id ?? P.noBrowser],
    [P.proof, P.proofs[provider.proves_itself_by]],
    [P.redirect, provider.redirect_uri ?? P.noBrowser],
    [P.scopes, provider.scopes],
    [P.audience, listed(provider.audience, P.noTokens)],
    [P.usernameClaim, provider.username_claim],
    [P.groupsClaim, provider.groups_claim],
    [P.allowedGroups, listed(provider.allowed_groups, P.everybody)],
    [P.adminGroup, provider.admin_group ?? P.nobody],
    [P.creates, provider.create_users ? P.creating : P.linking],
    ...(provider.service_accounts.length === 0
      ? []
      : [[P.services, provider.service_accounts.join(', ')] as const]),
    [P.users, String(provider.users)],
  ];
}

function Others({ others }: Pick<Told, 'others'>) {
  return others.length === 0 ? null : (
    <Part title={T.providers.others}>
      <ul>
        {others.map(({ issuer, users }) => (
          <li key={issuer}>{T.providers.other(issuer, users)}</li>
        ))}
      </ul>
    </Part>
  );
}
