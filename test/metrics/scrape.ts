/** What Prometheus was answered, in its text format. */
export interface Scrape {
  /** The names of all series, those of histograms with `_bucket`, `_sum` and `_count`. */
  readonly names: ReadonlySet<string>;
  /** The values of one name by their labels, as they are written: `operation="GET /version",status="200"`. */
  series(name: string): Readonly<Record<string, number>>;
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function readScrape(text: string): Scrape {
  const byName = new Map<string, Record<string, number>>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      const series = byName.get(name) ?? {};
      series[labels] = Number(value);
      byName.set(name, series);
    }
  }
  return { names: new Set(byName.keys()), series: (name) => byName.get(name) ?? {} };
}
