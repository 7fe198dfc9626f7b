import type { ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { T } from '../texts.ts';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
}

/** Rows under headings; on a narrow page each row becomes a card whose lines name their column. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  empty,
  more,
}: {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** What is said where there is no row. */
  readonly empty: string;
  /** Asks for further rows, where there are any. */
  readonly more?: (() => void) | undefined;
}) {
  if (rows.length === 0) {
    return (
      <>
        <p>{empty}</p>
        {more === undefined ? null : <Button onPress={more}>{T.more}</Button>}
      </>
    );
  }
  return (
    <>
      <table>
        <caption className="only-heard">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head }) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, cell }, at) =>
                at === 0 ? (
                  <th key={head} scope="row" data-head={head}>
                    {cell(row)}
                  </th>
                ) : (
                  <td key={head} data-head={head}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {more === undefined ? null : <Button onPress={more}>{T.more}</Button>}
    </>
  );
}
