import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/**
 * Opens connections to the upstream that close behind a line feed.
 *
 * undici writes the line feed behind a chunk of a body together with the next chunk. gunicorn up to version 22, which
 * MLflow 2 runs on, looks for it without end on a connection that was closed before: a client that leaves in the middle
 * of an upload would keep one of its few workers busy until it is killed.
 *
 * @see gunicorn/http/body.py (`ChunkedReader.parse_chunked`)
 */
export function createConnect(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, heard) =>
    connect(target, (...heardOf) => {
      const [, socket] = heardOf;
      // Undefined, whatever the types say, where there is none.
      if (socket) {
        closeBehindLineFeed(socket);
      }
      heard(...heardOf);
    });
}

function closeBehindLineFeed(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    if (socket.writable) {
      socket.write('\r\n');
    }
    return destroy(error);
  };
}
