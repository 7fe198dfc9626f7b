import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Part } from '../../parts/page.tsx';
import { CreateToken } from '../../parts/tokens/create.tsx';
import { TokenTable } from '../../parts/tokens/table.tsx';
import { T } from '../../texts.ts';

/** A user's own tokens. */
export function OwnTokens({ username }: { readonly username: string }) {
  const { query, more } = useList('tokens.list', { username });
  return (
    <Part title={T.account.tokens}>
      <p>{T.account.tokensLead}</p>
      <CreateToken username={username} />
      <Answered query={query}>
        {(pages) => <TokenTable tokens={pages.flatMap(({ tokens }) => tokens)} more={more} />}
      </Answered>
    </Part>
  );
}
