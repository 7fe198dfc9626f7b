import { useParams } from '@tanstack/react-router';
import { workspaceOf } from '../../api/client.ts';
import { useAsk, useMe, useThingName } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Page, Part } from '../../parts/page.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { RequestsOn } from '../requests/table.tsx';
import { AskForAccess } from './ask.tsx';
import { Give } from './give.tsx';
import { Holders } from './holders.tsx';
import { RolesWithAccess } from './roles.tsx';
import { inMlflow, KINDS, type Thing } from './thing.ts';

/** Who has access to one thing; who manages it gives and takes it here. */
export function Share() {
  const { kind = '', id = '' } = useParams({ strict: false });
  const known = KINDS[kind];
  return known === undefined ? (
    <Page title={T.notFound}>
      <p>{T.share.badKind}</p>
    </Page>
  ) : (
    <ShareThing thing={{ kind: known, id }} />
  );
}

function ShareThing({ thing }: { readonly thing: Thing }) {
  const me = useMe();
  const name = useThingName(thing.kind, thing.id);
  return (
    <Page title={T.share.title(thing.kind, name)} lead={placeText(me.data?.workspace)}>
      <div className="buttons">
        <Copy text={window.location.href} button={T.share.copyLink} />
        <a href={inMlflow(thing)}>{T.share.open}</a>
      </div>
      <Answered query={me}>
        {({ user }) => <Access thing={thing} username={user.username} isAdmin={user.is_admin} />}
      </Answered>
    </Page>
  );
}

/** Which workspace the page is about, where MLflow has some. */
function placeText(workspace: string | null | undefined): string | undefined {
  if (workspace === null || workspace === undefined) {
    return undefined;
  }
  return workspaceOf() === undefined ? T.share.inDefault(workspace) : T.share.inWorkspace(workspace);
}

interface Viewed {
  readonly thing: Thing;
  /** Who looks at the page. */
  readonly username: string;
  readonly isAdmin: boolean;
}

function Access({ thing, username, isAdmin }: Viewed) {
  const { kind, id } = thing;
  const yours = useAsk('permissions.explain', { username, resource_type: kind, resource_id: id });
  return (
    <Answered query={yours}>
      {({ permission, actions, because }) => (
        <>
          <Part title={T.share.yours}>
            <p>{T.share.youMay(LEVEL_NAMES[permission], because)}</p>
            {actions.includes('manage') ? null : <p>{T.share.notManager}</p>}
          </Part>
          {actions.includes('manage') ? <RequestsOn thing={thing} /> : null}
          {actions.includes('update') ? null : (
            <AskForAccess thing={thing} canRead={actions.includes('read')} />
          )}
          {actions.includes('manage') ? (
            <>
              <Give thing={thing} username={username} isAdmin={isAdmin} />
              <Holders thing={thing} username={username} isAdmin={isAdmin} />
              <RolesWithAccess thing={thing} username={username} isAdmin={isAdmin} />
            </>
          ) : null}
        </>
      )}
    </Answered>
  );
}
