import { ConfigError } from '../config/load-config.ts';

/** What went wrong, in one sentence for the operator. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) {
    return error.message;
  }
  if (!(error instanceof Error)) {
    return String(error);
  }
  return listenProblem(error) ?? error.message;
}

/** @see https://nodejs.org/api/net.html#serverlisten for what its errors carry. */
function listenProblem(error: Error): string | undefined {
  const { syscall, code, hostname, address, port } = error as NodeJS.ErrnoException & {
    readonly hostname?: string;
    readonly address?: string;
    readonly port?: number;
  };
  // It is the host to listen on: a host of MLflow's that is not known has become an ApiError by now.
  if (syscall === 'getaddrinfo') {
    return `${hostname} is not a host that is known (${code}). Set MLFLOW_AUTH_HOST.`;
  }
  if (syscall !== 'listen') {
    return undefined;
  }
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${address} is taken. Set another with MLFLOW_AUTH_PORT.`;
  }
  if (code === 'EADDRNOTAVAIL') {
    return `${address} is not an address of this machine. Set another with MLFLOW_AUTH_HOST.`;
  }
  if (code === 'EACCES') {
    return `The gateway may not listen on ${address}:${port}. Set another port with MLFLOW_AUTH_PORT.`;
  }
  return undefined;
}
