import type { ReferenceKind } from './row.ts';

/**
 * Ids as MLflow itself gives them out. It reads some far more widely (`int("01")`, `int("１")` and
 * `int("1_0")` are experiments 1, 1 and 10), so that a grant keyed by the text would miss: whatever is
 * not in this form is refused.
 */
const CANONICAL = {
  experiment: /^(?:0|[1-9][0-9]{0,18})$/,
  run: /^[0-9a-f]{32}$/,
  logged_model: /^m-[0-9a-f]{32}$/,
  trace: /^(?:tr-)?[0-9a-f]{32}$/,
  dataset: /^d-[0-9a-f]{32}$/,
} as const satisfies Partial<Record<ReferenceKind, RegExp>>;

/** Names that people choose: anything printable, but not the `*` that stands for all of a kind. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NAME = /^(?!\*$)[^\u0000-\u001f\u007f]{1,1000}$/u;
const OPAQUE = /^[A-Za-z0-9_.:-]{1,100}$/;

const NAMED: ReadonlySet<ReferenceKind> = new Set([
  'registered_model',
  'prompt',
  'scorer',
  'gateway_endpoint',
  'mcp_server',
  'workspace',
  'user',
  'artifact',
  'source',
  'prompt_uri',
]);

/** Ids that tests and tools grant on although no experiment can have them: text no `int()` reads. */
const LOOSE = /^(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,100}$/;

/** Whether `id` is written as the upstream would write it. */
export function isCanonical(kind: ReferenceKind, id: string, loose = false): boolean {
  const pattern =
    kind in CANONICAL ? CANONICAL[kind as keyof typeof CANONICAL] : NAMED.has(kind) ? NAME : OPAQUE;
  return pattern.test(id) || (loose && LOOSE.test(id));
}

/** The experiment that an artifact path lies in; undefined if it starts with none. */
export function experimentOfArtifact(segments: readonly string[]): string | undefined {
  const [first] = segments;
  return first !== undefined && CANONICAL.experiment.test(first) ? first : undefined;
}
