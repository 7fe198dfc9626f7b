import type { SignedIn } from '../../identity/principal.ts';
import type { NamedKind, StoredName } from '../../mlflow/things/stored-names.ts';
import type { Grant } from '../../policy/grant.ts';
import { refuses } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import { typesSharingNamesWith } from '../../store/namespaces.ts';
import type { Judgement, Reference } from '../reference.ts';

type OnThing = (caller: SignedIn, reference: Reference) => Promise<Judgement> | Judgement;
type Named = Reference & { readonly kind: NamedKind };

/**
 * Decides on a thing that is found by its name, which MLflow's database may know by other spellings: by what MLflow calls it
 * where the caller is refused another name, or was granted something on one that looks like this. Nobody else is looked up for.
 */
export function createOnNamed(storedName: StoredName, onThing: OnThing) {
  /** Decides on the name as it is written, or else on what MLflow calls the thing that it finds by it. */
  async function orAsStored(caller: SignedIn, reference: Named): Promise<Judgement> {
    const { kind, id } = reference;
    const asWritten = await onThing(caller, reference);
    const stored = asWritten.allow ? undefined : await storedName(kind, id);
    if (stored === undefined || stored === id) {
      return asWritten;
    }
    const asStored = await onThing(caller, { ...reference, id: stored });
    return asStored.allow ? asStored : asWritten;
  }

  return (caller: SignedIn, reference: Named): Promise<Judgement> | Judgement => {
    const { kind, id } = reference;
    if (isRefusedOthers(caller, kind, id)) {
      return storedName(kind, id).then((stored = id) => onThing(caller, { ...reference, id: stored }));
    }
    return holdsAlike(caller, kind, id) ? orAsStored(caller, reference) : onThing(caller, reference);
  };
}

/**
 * Whether a caller is refused things of a kind under other names than this: MLflow's database may take it for one of
 * them, and a wider grant must not open under another spelling what is denied. Only such a caller is looked up for.
 */
function isRefusedOthers(caller: SignedIn, kind: NamedKind, id: string): boolean {
  return grantsOnOthers(caller, kind, id).some(({ permission }) => refuses(permission));
}

/** Whether a caller was granted something on a name that MLflow's database may take this one for. */
function holdsAlike(caller: SignedIn, kind: NamedKind, id: string): boolean {
  const folded = withoutSpelling(id);
  return grantsOnOthers(caller, kind, id).some(
    ({ resourcePattern }) => withoutSpelling(resourcePattern) === folded,
  );
}

function grantsOnOthers(caller: SignedIn, kind: NamedKind, id: string): readonly Grant[] {
  return typesSharingNamesWith(kind)
    .flatMap((type) => caller.grantsOfKind(type as NamedKind))
    .filter(({ resourcePattern }) => resourcePattern !== ALL && resourcePattern !== id);
}

/** Without case, accents and trailing blanks: says no more than what is worth a question. */
const withoutSpelling = (name: string): string =>
  name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trimEnd();
