import { useState } from 'react';
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from 'react-aria-components';
import { useAsk } from '../../api/queries.ts';
import { T } from '../../texts.ts';
import type { Grantee } from './thing.ts';

/** How many names are offered at once; who is not among them is found by typing more. */
const OFFERED = 8;

interface Choosing {
  readonly label: string;
  readonly roles: readonly { readonly id: number; readonly name: string }[];
  readonly chosen: readonly Grantee[];
  readonly choose: (chosen: readonly Grantee[]) => void;
}

/** Users and roles, found by a part of their name, as many as are wanted. */
export function ChooseGrantees({ label, roles, chosen, choose }: Choosing) {
  const [typed, setTyped] = useState('');
  const offered = useOffered(typed, roles).filter(({ key }) => !chosen.some((each) => each.key === key));
  const add = (key: unknown) => {
    const found = offered.find((each) => each.key === key);
    if (found !== undefined) {
      choose([...chosen, found]);
      setTyped('');
    }
  };
  return (
    <>
      <ComboBox
        // Anew after each choice: empty, closed, and where the next one is typed.
        key={chosen.length}
        autoFocus={chosen.length > 0}
        className="field"
        items={offered}
        inputValue={typed}
        onInputChange={setTyped}
        value={null}
        onChange={add}
        menuTrigger="input"
        allowsEmptyCollection
        // The list comes filtered.
        defaultFilter={() => true}
      >
        <Label>{label}</Label>
        <Input />
        <Text slot="description" className="help">
          {T.share.whoHelp}
        </Text>
        <Popover className="popover">
          <ListBox<Grantee> renderEmptyState={() => T.share.nobodyFound}>
            {({ key, name, roleId }) => (
              <ListBoxItem id={key} textValue={name}>
                {name} <span className="help">{roleId === undefined ? T.share.user : T.share.role}</span>
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </ComboBox>
      <Chosen chosen={chosen} choose={choose} />
    </>
  );
}

/** Names that hold what was typed, roles first: they are few. */
function useOffered(typed: string, roles: Choosing['roles']): readonly Grantee[] {
  const { data } = useAsk(
    'users.search',
    { contains: typed, max_results: String(OFFERED) },
    { keepsBefore: true },
  );
  const isLike = (name: string) => name.toLowerCase().includes(typed.toLowerCase());
  return [
    ...roles
      .filter(({ name }) => isLike(name))
      .map(({ id, name }) => ({ key: `role ${id}`, name, roleId: id })),
    ...(data?.users ?? []).map(({ username }) => ({
      key: `user ${username}`,
      name: username,
      roleId: undefined,
    })),
  ].slice(0, OFFERED);
}

function Chosen({ chosen, choose }: Pick<Choosing, 'chosen' | 'choose'>) {
  return chosen.length === 0 ? null : (
    <ul className="chosen" aria-label={T.share.chosen}>
      {chosen.map(({ key, name }) => (
        <li key={key}>
          {name}
          <Button
            aria-label={T.share.unchoose(name)}
            onPress={() => choose(chosen.filter((each) => each.key !== key))}
          >
            ×
          </Button>
        </li>
      ))}
    </ul>
  );
}
