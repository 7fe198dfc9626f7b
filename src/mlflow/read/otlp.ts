import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { invalid } from '../../errors.ts';
import { isObject, readJson } from './json.ts';

/** What an export of spans touches. */
export interface SpanExport {
  /** MLflow's ids of the traces that the spans belong to: `tr-` and 32 hexadecimal digits. */
  readonly traceIds: ReadonlySet<string>;
  /** Keys of the attributes of spans and resources, which MLflow turns into tags of the trace. */
  readonly attributeKeys: ReadonlySet<string>;
}

/** MLflow 3.5 believes this attribute before the span's own trace id. */
const REQUEST_ID = 'mlflow.traceRequestId';
const REQUEST_ID_FORM = /^tr-[0-9a-f]{32}$/;
/** An attribute of a root span under this prefix becomes a tag of the trace (MLflow 3.17). */
export const TRACE_TAG_PREFIX = 'mlflow.traceTag.';

const TRACE_ID_BYTES = 16;
const TRACE_ID_HEX = /^[0-9a-f]{32}$/i;
/** A value may be JSON in JSON: MLflow's clients encode attributes once, its server once more. */
const MOST_ENCODINGS = 3;

interface Found {
  readonly traceIds: Set<string>;
  readonly attributeKeys: Set<string>;
}

const empty = (): Found => ({ traceIds: new Set(), attributeKeys: new Set() });

/**
 * Reads an ExportTraceServiceRequest in binary form. Unknown fields are skipped as protobuf parsers do;
 * what two of them could take differently (a known field of another wire type, a single field sent twice
 * where MLflow looks at it) is refused.
 *
 * @throws ApiError 400.
 * @see opentelemetry/proto/trace/v1/trace.proto for the field numbers
 */
export function readSpanExport(bytes: Uint8Array): SpanExport {
  const found = empty();
  try {
    eachMessage(bytes, RESOURCE_SPANS, (resourceSpans) => {
      eachMessage(resourceSpans, RESOURCE, (resource) =>
        eachMessage(resource, RESOURCE_ATTRIBUTES, (attribute) => readAttribute(attribute, found)),
      );
      eachMessage(resourceSpans, SCOPE_SPANS, (scopeSpans) =>
        eachMessage(scopeSpans, SPANS, (span) => {
          found.traceIds.add(traceIdOf(only(messagesAt(span, TRACE_ID))));
          eachMessage(span, SPAN_ATTRIBUTES, (attribute) => readAttribute(attribute, found));
        }),
      );
    });
  } catch (cause) {
    throw invalid('The body is not a valid export of OpenTelemetry spans.', { cause });
  }
  return found;
}

const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const RESOURCE_ATTRIBUTES = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;
const TRACE_ID = 1;
const SPAN_ATTRIBUTES = 9;
const KEY = 1;
const VALUE = 2;
const STRING_VALUE = 1;

function eachMessage(bytes: Uint8Array, field: number, use: (message: Uint8Array) => void): void {
  for (const message of messagesAt(bytes, field)) {
    use(message);
  }
}

/** Every length-delimited value of a field. */
function messagesAt(bytes: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number !== field) {
      reader.skip(wireType, number);
      continue;
    }
    if (wireType !== WireType.LengthDelimited) {
      throw new Error(`field ${number} has wire type ${wireType}`);
    }
    values.push(reader.bytes());
  }
  return values;
}

function only(values: readonly Uint8Array[]): Uint8Array {
  const [value] = values;
  if (value === undefined || values.length > 1) {
    throw new Error(`a field is there ${values.length} times`);
  }
  return value;
}

function traceIdOf(bytes: Uint8Array): string {
  if (bytes.length !== TRACE_ID_BYTES) {
    throw new Error(`a trace id has ${bytes.length} bytes`);
  }
  return `tr-${Buffer.from(bytes).toString('hex')}`;
}

function readAttribute(attribute: Uint8Array, found: Found): void {
  const keys = messagesAt(attribute, KEY);
  if (keys.length === 0) {
    return;
  }
  const key = textOf(only(keys));
  found.attributeKeys.add(key);
  if (key === REQUEST_ID) {
    found.traceIds.add(requestIdOf(soleText(only(messagesAt(attribute, VALUE)))));
  }
}

/** The text in a value that holds nothing else: of a text and bytes, both of them there, the last one counts. */
function soleText(value: Uint8Array): string {
  const reader = new BinaryReader(value);
  const [number, wireType] = reader.tag();
  if (number !== STRING_VALUE || wireType !== WireType.LengthDelimited) {
    throw new Error('a value is no text');
  }
  const text = reader.bytes();
  if (reader.pos < reader.len) {
    throw new Error('a value has more than a text');
  }
  return textOf(text);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const textOf = (bytes: Uint8Array): string => utf8.decode(bytes);

/** The trace id in the value of the attribute, however often it was encoded. */
function requestIdOf(value: string): string {
  let text: unknown = value;
  for (let round = 0; round < MOST_ENCODINGS && typeof text === 'string'; round += 1) {
    if (REQUEST_ID_FORM.test(text)) {
      return text;
    }
    text = JSON.parse(text);
  }
  throw new Error(`${REQUEST_ID} is not a trace id`);
}

/**
 * Reads the same in OTLP's JSON form, where ids are hexadecimal (OTLP 1.x, "JSON Protobuf Encoding").
 * MLflow converts the ids under their camelCase names only and leaves the rest to protobuf's JSON parser,
 * which takes another spelling as well and base64 in it: that spelling is refused.
 *
 * @throws ApiError 400.
 */
export function readJsonSpanExport(bytes: Buffer): SpanExport {
  const found = empty();
  for (const resourceSpans of listIn(readJson(bytes), 'resourceSpans', 'resource_spans')) {
    const { resource } = resourceSpans;
    if (resource !== undefined) {
      readJsonAttributes(objectIn(resource, 'resource'), found);
    }
    for (const scopeSpans of listIn(resourceSpans, 'scopeSpans', 'scope_spans')) {
      for (const span of listIn(scopeSpans, 'spans')) {
        const { traceId } = span;
        if ('trace_id' in span) {
          throw refused('trace_id');
        }
        if (typeof traceId !== 'string' || !TRACE_ID_HEX.test(traceId)) {
          throw refused('traceId');
        }
        found.traceIds.add(`tr-${traceId.toLowerCase()}`);
        readJsonAttributes(span, found);
      }
    }
  }
  return found;
}

function readJsonAttributes(holder: Readonly<Record<string, unknown>>, found: Found): void {
  for (const { key, value } of listIn(holder, 'attributes')) {
    if (typeof key !== 'string') {
      throw refused('key');
    }
    found.attributeKeys.add(key);
    if (key !== REQUEST_ID) {
      continue;
    }
    const { stringValue } = objectIn(value, 'value');
    if (typeof stringValue !== 'string') {
      throw refused('value');
    }
    try {
      found.traceIds.add(requestIdOf(stringValue));
    } catch {
      throw refused(REQUEST_ID);
    }
  }
}

function listIn(holder: Readonly<Record<string, unknown>>, name: string, otherSpelling?: string) {
  if (otherSpelling !== undefined && otherSpelling in holder) {
    throw refused(otherSpelling);
  }
  const list = holder[name];
  if (list === undefined) {
    return [];
  }
  if (!Array.isArray(list)) {
    throw refused(name);
  }
  return list.map((item: unknown) => objectIn(item, name));
}

function objectIn(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) {
    throw refused(name);
  }
  return value;
}

const refused = (name: string) =>
  invalid(`The body is not a valid export of OpenTelemetry spans in JSON: see '${name}'.`);
