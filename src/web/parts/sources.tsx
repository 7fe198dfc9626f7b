import type { Answer } from '../../admin/contract/index.ts';
import { T } from '../texts.ts';

type Source = Answer<'permissions.explain'>['sources'][number];

/** What decides what somebody may do, a line each. */
export function Sources({ sources }: { readonly sources: readonly Source[] }) {
  return sources.map(({ source, name, resource_type: kind, resource_pattern: id }) => (
    <div key={`${source} ${name} ${kind} ${id}`}>
      {sourceText(source, name)}
      {kind !== undefined && id === '*' ? ` ${T.share.onAll(kind)}` : ''}
    </div>
  ));
}

function sourceText(source: Source['source'], name: string | null): string {
  switch (source) {
    case 'user':
      return T.share.own;
    case 'role':
      return T.share.byRole(name);
    case 'default':
      return T.share.byDefault;
    case 'admin':
      return T.share.admin;
    case 'token':
      return T.share.token;
  }
}
