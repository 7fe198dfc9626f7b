import { isObject } from '../../mlflow/read/json.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { readAnswerExactly, withBody } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';

type Conceal = Pick<RuleOf<'conceal'>, 'at' | 'id' | 'fields'>;
type MayRead = (id: string) => boolean;

/** What stands in the place of something that is not shown. */
const NOTHING = Symbol('nothing');

/** An answer without the things at a place, or without some of their fields, that the caller may not read. */
export function withoutConcealed(answer: Answer, rule: Conceal, mayRead: MayRead): Answer {
  return withBody(answer, concealed(readAnswerExactly(answer), rule, mayRead));
}

/** A value without what the caller may not read of it. What is left is not changed, and nothing is if all may be read. */
export function concealed(value: unknown, rule: Conceal, mayRead: MayRead): unknown {
  return walk(value, rule.at.match(STEP) ?? [], rule, mayRead);
}

/** A field, `[]` for each of a list, `[key]` for the value of that tag, `{}` for JSON in text. */
const STEP = /\{\}|\[[^\]]*\]|[^.[\]{}]+/g;

function walk(value: unknown, [step, ...rest]: readonly string[], rule: Conceal, mayRead: MayRead): unknown {
  const inner = (each: unknown) => walk(each, rest, rule, mayRead);
  if (step === undefined) {
    return thing(value, rule, mayRead);
  }
  if (step === '{}') {
    return inJson(value, inner);
  }
  if (step === '[]') {
    return Array.isArray(value) ? value.map(inner).filter((each) => each !== NOTHING) : value;
  }
  if (step.startsWith('[')) {
    const key = step.slice(1, -1);
    return Array.isArray(value)
      ? value.map((tag: unknown) =>
          isObject(tag) && tag['key'] === key ? { ...tag, value: inner(tag['value']) } : tag,
        )
      : value;
  }
  if (!isObject(value) || value[step] === undefined) {
    return value;
  }
  const { [step]: field, ...others } = value;
  const left = inner(field);
  return left === NOTHING ? others : { ...value, [step]: left };
}

function thing(value: unknown, { id, fields }: Conceal, mayRead: MayRead): unknown {
  const named = isObject(value) ? value[id] : undefined;
  if (!isObject(value) || typeof named !== 'string' || mayRead(named)) {
    return value;
  }
  return fields === undefined
    ? NOTHING
    : Object.fromEntries(Object.entries(value).filter(([name]) => !fields.includes(name)));
}

/** Text that is no JSON is nothing that MLflow has written. */
function inJson(text: unknown, inner: (value: unknown) => unknown): unknown {
  if (typeof text !== 'string') {
    return text;
  }
  let json: unknown;
  try {
    json = parseLossless(text);
  } catch {
    return text;
  }
  const [before, after] = [JSON.stringify(json), JSON.stringify(inner(json))];
  return before === after ? text : after;
}
