/** What one version of MLflow serves and reads; ./mlflow-facts.mjs says how it is written. */
export interface Facts {
  readonly version: string;
  readonly operations: Readonly<Record<string, string>>;
  readonly queries: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The same of all versions, with ranges of versions behind names and types. */
export interface FactTable {
  readonly generated: string;
  readonly versions: string[];
  readonly operations: object;
  readonly queries: object;
  readonly messages: object;
  readonly enums: object;
}

export function compareVersions(a: string, b: string): number;
export function factsOf(dump: unknown): Facts;
export function fold(all: readonly Facts[]): FactTable;
export function unfold(table: FactTable, version: string): Facts;
export function print(table: FactTable): string;
export function differences(before: Facts | undefined, after: Facts | undefined): string[];
