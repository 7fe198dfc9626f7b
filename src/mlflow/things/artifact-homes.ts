import { unavailable } from '../../errors.ts';
import { recentlyUsed } from '../../recently-used.ts';
import { decodeOnce } from '../read/percent.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { isCanonical } from './identifiers.ts';
import type { Lineage } from './lineage.ts';
import { TRACKED_LOOK_UPS } from './look-ups.ts';

/** Where among the artifacts of an experiment a path leads. */
export interface ArtifactHome {
  readonly experimentId: string;
  /** What of the path comes behind the experiment's own location. */
  readonly rest: readonly string[];
}

/** Tells whose artifacts a path of MLflow's artifact proxy leads to. */
export interface ArtifactHomes {
  /**
   * The experiment whose `artifact_location` the path begins with; undefined if it lies in none.
   *
   * @param segments - of the path, decoded.
   * @throws ApiError 503 or 504 if the upstream gives no clear answer.
   */
  homeOf(segments: readonly string[]): Promise<ArtifactHome | undefined> | ArtifactHome | undefined;
}

/** Segments in which the name of an experiment is looked for: locations are short, and each costs a look-up. */
const DEEPEST = 8;
const REMEMBERED = 50_000;
const LOCATION = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*([^?#]*)$/;
/** MLflow's answer where it serves artifacts and nothing else: the number in the path is all there is. */
const NOTHING_ELSE = '--artifacts-only';

const isExperiment = (segment: string): boolean => isCanonical('experiment', segment);

export function createArtifactHomes(
  upstream: Pick<Upstream, 'exchange'>,
  lineage: Pick<Lineage, 'rootsOf'>,
): ArtifactHomes {
  // By experiment, where the location is the one that MLflow gives by itself: another experiment of that id has the same.
  const known = recentlyUsed<readonly string[]>(REMEMBERED);

  async function locationOf(id: string): Promise<readonly string[] | undefined> {
    const [{ target, at }] = TRACKED_LOOK_UPS.experiment.byId;
    const answer = await upstream.exchange({ method: 'GET', target: target(id) });
    if (answer.status === 404 || answer.status === 400) {
      return undefined;
    }
    if (answer.status === 503 && answer.bytes.includes(NOTHING_ELSE)) {
      return [id];
    }
    if (answer.status !== 200) {
      throw unavailable('The MLflow server did not say where an experiment keeps its artifacts. Try again.');
    }
    const location = segmentsOf(propertyAt(replyJson(answer), `${at}.artifact_location`));
    if (location?.at(-1) === id) {
      known.set(id, location);
    }
    return location;
  }

  async function lookFor(segments: readonly string[]): Promise<ArtifactHome | undefined> {
    const asked = new Set<string>();
    const homeBy = async (id: string): Promise<ArtifactHome | undefined> => {
      if (asked.has(id)) {
        return undefined;
      }
      asked.add(id);
      return within(segments, id, known.get(id) ?? (await locationOf(id)));
    };
    const first = segments.slice(0, DEEPEST);
    for (const id of first.filter(isExperiment)) {
      const home = await homeBy(id);
      if (home !== undefined) {
        return home;
      }
    }
    // An admin may have chosen a location that does not name its experiment: what lies in it tells.
    for (const [index, segment] of first.entries()) {
      const kind = kindOf(segment, first[index - 1]);
      const roots = kind && (await lineage.rootsOf(kind, segment));
      const home = roots?.[0] && (await homeBy(roots[0].id));
      if (home !== undefined) {
        return home;
      }
    }
    return undefined;
  }

  return {
    homeOf(segments) {
      const [id = ''] = segments;
      return within(segments, id, known.get(id)) ?? lookFor(segments);
    },
  };
}

/** What a segment names by which its experiment is found: `<run>`, `models/<model>`, `traces/<trace>`. */
function kindOf(segment: string, before: string | undefined): 'run' | 'logged_model' | 'trace' | undefined {
  if (before === 'models' && isCanonical('logged_model', segment)) {
    return 'logged_model';
  }
  if (before === 'traces' && isCanonical('trace', segment)) {
    return 'trace';
  }
  return isCanonical('run', segment) ? 'run' : undefined;
}

function within(
  segments: readonly string[],
  experimentId: string,
  location: readonly string[] | undefined,
): ArtifactHome | undefined {
  if (location === undefined || !location.every((segment, index) => segments[index] === segment)) {
    return undefined;
  }
  return { experimentId, rest: segments.slice(location.length) };
}

/** The segments of a location below MLflow's proxied artifacts; undefined for the root of all, and any other address. */
function segmentsOf(location: unknown): readonly string[] | undefined {
  const [, path] = typeof location === 'string' ? (LOCATION.exec(location) ?? []) : [];
  const segments = path?.split('/').filter((segment) => segment !== '') ?? [];
  const decoded = segments.flatMap((segment) => decodeOnce(segment) ?? []);
  const isPlain = decoded.length === segments.length && !decoded.some((each) => /^\.{1,2}$|[/%]/.test(each));
  return segments.length > 0 && isPlain ? decoded : undefined;
}
