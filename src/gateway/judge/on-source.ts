import type { Lineage } from '../../mlflow/things/lineage.ts';
import { liesIn, readSource } from '../../mlflow/things/source.ts';
import type { Judgement, Reference } from '../reference.ts';
import { refuse } from './judging.ts';

const NOTHING_TOUCHED: Judgement = { allow: true, because: 'touches nothing', roots: [] };

/**
 * Decides on the address that a model version is to be made from.
 *
 * @param judge - decides on what the address points at.
 */
export async function onSource(
  lineage: Pick<Lineage, 'artifactRootOf'>,
  { id: uri, action, cameFrom = [] }: Reference,
  judge: (pointedAt: Reference) => Judgement | Promise<Judgement>,
): Promise<Judgement> {
  const pointer = readSource(uri);
  switch (pointer.kind) {
    case 'nothing':
      return NOTHING_TOUCHED;
    case 'unknown':
      return refuse('the source cannot be tied to anything that holds grants');
    case 'storage':
      // READ on the run and the model themselves is asked by locators of their own.
      for (const { kind, id } of cameFrom) {
        const root = await lineage.artifactRootOf(kind, id);
        if (root !== undefined && liesIn(pointer.uri, root)) {
          return judge({ kind, id, action });
        }
      }
      return refuse('the source lies outside the artifacts of the run or model it is said to come from');
    default:
      return judge({ kind: pointer.kind, id: pointer.id, action });
  }
}
