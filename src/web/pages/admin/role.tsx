import { useState } from 'react';
import { Button, Heading } from 'react-aria-components';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { CloseButton } from '../../parts/dialog.tsx';
import { Choice, Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { useAct } from '../../parts/use-act.ts';
import { kindText, LEVEL_NAMES, LEVELS, type Level, T, thingText } from '../../texts.ts';

type Role = Answer<'roles.list'>['roles'][number];

const KINDS = [
  'experiment',
  'registered_model',
  'prompt',
  'gateway_endpoint',
  'mcp_server',
  'skill',
] as const;
const GRANTED = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY'] as const satisfies readonly Level[];

/** What a role grants and who has it; changes count at once. */
export function OneRole({ role, close }: { readonly role: Role; readonly close: () => void }) {
  return (
    <>
      <Heading level={3}>{T.roles.grants}</Heading>
      <Grants id={role.id} />
      <Heading level={3}>{T.roles.members}</Heading>
      <Members id={role.id} />
      <CloseButton close={close} />
    </>
  );
}

function Grants({ id }: { readonly id: number }) {
  const granted = useAsk('rolePermissions.list', { role_id: String(id) });
  return (
    <>
      <Answered query={granted}>
        {({ role_permissions: grants }) => (
          <Items
            empty={T.roles.noGrants}
            items={grants.map((grant) => ({
              key: String(grant.id),
              text: `${LEVEL_NAMES[grant.permission]}: ${thingText(grant.resource_type, grant.resource_pattern)}`,
              remove: () => ask('rolePermissions.remove', { role_permission_id: grant.id }),
            }))}
          />
        )}
      </Answered>
      <AddGrant id={id} />
    </>
  );
}

function AddGrant({ id }: { readonly id: number }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('experiment');
  const [pattern, setPattern] = useState('');
  const [permission, setPermission] = useState<(typeof GRANTED)[number]>('READ');
  const act = () =>
    ask('rolePermissions.add', {
      role_id: id,
      resource_type: kind,
      resource_pattern: pattern,
      permission,
    });
  return (
    <Form act={act} done={() => setPattern('')} submit={T.roles.addGrant}>
      <Choice
        label={T.roles.grantOn}
        value={kind}
        options={KINDS.map((each) => [each, kindText(each)] as const)}
        onChange={setKind}
      />
      <Field label={T.roles.grantId} value={pattern} onChange={setPattern} isRequired />
      <Choice
        label={T.roles.level}
        value={permission}
        options={GRANTED.map((each) => [each, LEVELS[each]] as const)}
        onChange={setPermission}
      />
    </Form>
  );
}

function Members({ id }: { readonly id: number }) {
  const found = useAsk('roles.users', { role_id: String(id) });
  const [username, setUsername] = useState('');
  const add = () => ask('roles.assign', { role_id: id, username });
  return (
    <>
      <Answered query={found}>
        {({ assignments }) => (
          <Items
            empty={T.roles.noMembers}
            items={assignments.map((member) => ({
              key: member.username,
              text: member.username,
              remove: () => ask('roles.unassign', { role_id: id, username: member.username }),
            }))}
          />
        )}
      </Answered>
      <Form act={add} done={() => setUsername('')} submit={T.roles.addMember}>
        <Field label={T.roles.member} value={username} onChange={setUsername} isRequired />
      </Form>
    </>
  );
}

interface Item {
  readonly key: string;
  readonly text: string;
  readonly remove: () => Promise<unknown>;
}

function Items({ items, empty }: { readonly items: readonly Item[]; readonly empty: string }) {
  return items.length === 0 ? (
    <p>{empty}</p>
  ) : (
    <ul className="items">
      {items.map((item) => (
        <Removable key={item.key} item={item} />
      ))}
    </ul>
  );
}

function Removable({ item: { text, remove } }: { readonly item: Item }) {
  const { start, isPending, error } = useAct(remove);
  return (
    <li>
      {text}
      <Button aria-label={T.roles.removeOf(text)} onPress={start} isPending={isPending}>
        {T.roles.remove}
      </Button>
      {error === null ? null : <Failure error={error} />}
    </li>
  );
}
