import { Busboy } from '@fastify/busboy';
import { invalid } from '../../errors.ts';

/** The parts of a form that has JSON in one and a file in another. */
export interface UploadNames {
  readonly json: string;
  readonly file: string;
}

/** Such a form, with nothing else in it. */
export interface UploadForm {
  readonly json: Buffer;
  /** The same form with other JSON, with the content type that goes with it. */
  written(json: Buffer): Promise<{ readonly bytes: Buffer; readonly contentType: string }>;
}

interface Part {
  readonly name: string;
  readonly isFile: boolean;
  readonly content: Buffer;
}

/** As long as MLflow takes. */
const LONGEST_JSON_BYTES = 1024 ** 2;
/** One more than there may be: that there are more is seen. */
const LIMITS = { parts: 3, fields: 3, files: 3, fieldSize: LONGEST_JSON_BYTES, headerPairs: 20 };

/**
 * Reads a `multipart/form-data` body (RFC 7578).
 *
 * Parsers of it differ in what they take for a boundary, a header or a name. What goes on is therefore written anew from
 * what was read, with a boundary of its own: MLflow finds in it the parts that were judged and no others.
 *
 * @param contentType - as it was sent, with the boundary.
 * @throws ApiError 400.
 */
export async function readUpload(
  bytes: Buffer,
  contentType: string,
  names: UploadNames,
): Promise<UploadForm> {
  const parts = await partsOf(bytes, contentType).catch(() => {
    throw invalid('The body is no multipart/form-data with the boundary that its Content-Type names.');
  });
  const json = parts.find(({ name }) => name === names.json);
  const file = parts.find(({ name, isFile }) => name === names.file && isFile);
  if (json === undefined || file === undefined || parts.length !== 2) {
    throw invalid(`The form must have one part '${names.json}' with JSON and one file '${names.file}'.`);
  }
  return {
    json: json.content,
    async written(changed) {
      const form = new FormData();
      form.append(names.json, changed.toString('utf8'));
      form.append(names.file, new Blob([new Uint8Array(file.content)]), names.file);
      const written = new Response(form);
      return {
        bytes: Buffer.from(await written.arrayBuffer()),
        contentType: written.headers.get('content-type') ?? '',
      };
    },
  };
}

/** Rejects for a body that is no such form, or one that ends too early. */
function partsOf(bytes: Buffer, contentType: string): Promise<readonly Part[]> {
  return new Promise((resolve, reject) => {
    const parts: Part[] = [];
    const parser = new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS });
    const refuse = () => reject(new Error('a limit was passed'));
    parser.on('field', (name, value, isNameCut, isCut) => {
      if (isNameCut || isCut) {
        refuse();
      }
      parts.push({ name, isFile: false, content: Buffer.from(value) });
    });
    parser.on('file', (name, stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => parts.push({ name, isFile: true, content: Buffer.concat(chunks) }));
      stream.on('error', reject);
    });
    for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(event, refuse);
    }
    parser.on('error', reject);
    parser.on('finish', () => resolve(parts));
    parser.end(bytes);
  });
}
