declare module 'virtual:operations' {
  import type { OperationName } from '../../admin/contract/index.ts';
  /** Method and path of each operation, as src/admin/routes.ts has them; vite.config.ts reads them there. */
  export const OPERATIONS: { readonly [Name in OperationName]: readonly [method: string, path: string] };
}

declare module '*.css';
