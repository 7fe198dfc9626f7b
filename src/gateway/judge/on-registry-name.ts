import type { SignedIn } from '../../identity/principal.ts';
import { ALL, type InnerKind, type Root, versionKind } from '../../policy/resources.ts';
import type { Judgement, Reference } from '../reference.ts';
import { type Judging, judged } from './judging.ts';

const REGISTRY_KINDS = ['registered_model', 'prompt'] as const;
const VERSION_KINDS = ['registered_model_version', 'prompt_version'] as const;

/**
 * Decides on a name of the model registry, which models and prompts share. Which of the two it is matters only to
 * callers who hold something on a whole family, or whose credential is confined to one: MLflow is asked for them alone.
 *
 * @param part - what of it is asked about; left out for the model or prompt itself.
 */
export function onRegistryName(
  { lineage, onRoot, onPart }: Judging,
  caller: SignedIn,
  { action, kind, id }: Reference & { readonly kind: (typeof REGISTRY_KINDS)[number] },
  part?: InnerKind,
): Promise<Judgement> | Judgement {
  const families = part === undefined ? REGISTRY_KINDS : [...REGISTRY_KINDS, ...VERSION_KINDS];
  const holdsOnAll = families.some((each) => caller.grantsOn({ kind: each, id: ALL }).length > 0);
  const isConfined = caller.ceiling?.resources?.some(
    (root) => root.id === ALL && REGISTRY_KINDS.some((registry) => registry === root.kind),
  );
  if (!holdsOnAll && isConfined !== true) {
    return judged({ kind, id }, onRoot(caller, action, { kind, id }));
  }
  return lineage.isPrompt(id).then((isPrompt) => {
    const root: Root = { kind, id, isPrompt };
    const decision =
      part === undefined ? onRoot(caller, action, root) : onPart(caller, action, versionKind(isPrompt), root);
    return judged(root, decision);
  });
}
