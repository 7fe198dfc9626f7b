import { request as ask, createServer } from 'node:http';
import { type Listening, listen } from './listen.ts';

/** A running MLflow that says it is of another version: what the gateway makes of versions that no test installs. */
export async function startAsVersion(
  { socketUri }: { readonly socketUri: string },
  version: string,
): Promise<Listening> {
  const server = createServer((request, response) => {
    if (request.url === '/version') {
      response.end(version);
      return;
    }
    const { method, url: path, headers } = request;
    const socketPath = socketUri.slice('unix:'.length);
    const forwarded = ask({ socketPath, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  return listen(server);
}
