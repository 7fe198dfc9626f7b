/** MLflow finds in a form the parts that were judged, whatever the form looked like that came. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../src/errors.ts';
import { readUpload } from '../../../src/mlflow/read/upload.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { askOracle } from '../../support/oracle.ts';

const NAMES = { json: 'metadata', file: 'content' };
const BOUNDARY = 'b';

interface Part {
  readonly head: string;
  readonly content: Uint8Array;
}

const formOf = (parts: readonly Part[], end: string): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ head, content }) => [
      Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(end),
  ]);

/** Heads that parsers read differently, and the plain ones. */
const anyHead = fc.oneof(
  fc.constantFrom(
    'Content-Disposition: form-data; name="metadata"',
    'Content-Disposition: form-data; name="content"; filename="a"',
  ),
  fc.constantFrom(
    'Content-Disposition: form-data; name="metadata"; filename="m"',
    'Content-Disposition: form-data; name=metadata',
    "Content-Disposition: form-data; name*=utf-8''metadata",
    'Content-Disposition: form-data; name="content"; name="metadata"',
    'Content-Disposition: form-data; name="metadata"\r\nContent-Disposition: form-data; name="content"',
    'content-disposition:form-data;name="metadata"',
    'Content-Disposition: attachment; name="metadata"',
    'Content-Disposition: form-data; name="metadata%00"',
    'Content-Disposition: form-data; name="Metadata"',
    'Content-Disposition: form-data; name="content"; filename=""',
    'Content-Disposition: form-data; name="content"; filename="a\\"b"',
    `Content-Disposition: form-data; name="content"; filename="${'x'.repeat(300)}"`,
    'Content-Disposition: form-data; name="content"; filename="a"\r\nContent-Type: text/plain; charset=utf-16',
    'Content-Disposition: form-data; name="content"; filename="a"\r\nContent-Transfer-Encoding: base64',
    'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json; charset=utf-16',
    'X-Other: 1',
  ),
);
const anyContent = fc.oneof(
  fc
    .constantFrom('{"name": "a"}', '{\n"name": "a"}', '\ufeff{}', '', '--b', '\r\n--b\r\n', '\r\n--b--\r\n')
    .map((text) => new Uint8Array(Buffer.from(text))),
  fc.uint8Array({ maxLength: 40 }),
);
const anyForm = fc
  .tuple(
    fc.array(fc.record({ head: anyHead, content: anyContent }), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('--b--\r\n', '--b--', '--b', '', '--b--\r\nmore'),
  )
  .map(([parts, end]) => formOf(parts, end));
/** Forms that are read, and what is in them. */
const goodForm = fc
  .record({ json: fc.json(), file: fc.uint8Array({ maxLength: 200 }), fileFirst: fc.boolean() })
  .map(({ json, file, fileFirst }) => {
    const parts: Part[] = [
      { head: 'Content-Disposition: form-data; name="metadata"', content: Buffer.from(json) },
      { head: 'Content-Disposition: form-data; name="content"; filename="a"', content: file },
    ];
    return formOf(fileFirst ? parts.toReversed() : parts, '--b--\r\n');
  });

interface Sent {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly json: Buffer;
}

/** What is sent on of a form; undefined if it is refused. */
async function sentOf(form: Buffer): Promise<Sent | undefined> {
  try {
    const read = await readUpload(form, `multipart/form-data; boundary=${BOUNDARY}`, NAMES);
    return { ...(await read.written(read.json)), json: read.json };
  } catch (error) {
    if (error instanceof ApiError) {
      return undefined;
    }
    throw error;
  }
}

/** Line ends in a text part are written as forms have them; in JSON they are blanks. */
const asWritten = (json: Buffer) => json.toString('utf8').replace(/\r\n|\r|\n/g, '\r\n');

describe('a form that is sent on', () => {
  test('holds for MLflow what was judged, and nothing else', async () => {
    const forms = [...fc.sample(anyForm, 1500), ...fc.sample(goodForm, 300)];
    const sent = (await Promise.all(forms.map(sentOf))).filter((each) => each !== undefined);
    expect(sent.length).toBeGreaterThan(300);
    const answers = askOracle(
      NEWEST,
      sent.map(({ bytes, contentType }) => ({
        ask: 'form',
        base64: bytes.toString('base64'),
        type: contentType,
      })),
    );
    for (const [index, answer] of answers.entries()) {
      const [first, second, ...others] = answer as [string, string | null, string][];
      const json = Buffer.from(first?.[2] ?? '', 'base64').toString('utf8');
      expect([first?.[0], first?.[1], json]).toEqual([
        'metadata',
        null,
        asWritten(sent[index]?.json ?? Buffer.alloc(0)),
      ]);
      expect([second?.[0], second?.[1], others]).toEqual(['content', 'content', []]);
    }
  });

  test('has the file byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (file) => {
        const form = formOf(
          [
            { head: 'Content-Disposition: form-data; name="metadata"', content: Buffer.from('{}') },
            { head: 'Content-Disposition: form-data; name="content"; filename="a"', content: file },
          ],
          '--b--\r\n',
        );
        fc.pre(!Buffer.from(file).includes('\r\n--b'));
        const sent = await sentOf(form);
        expect(
          sent?.bytes.includes(Buffer.concat([Buffer.from('\r\n\r\n'), file, Buffer.from('\r\n--')])),
        ).toBe(true);
      }),
    );
  });
});
