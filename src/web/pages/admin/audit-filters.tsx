import { useState } from 'react';
import { Choice, Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { T } from '../../texts.ts';

/** As the API takes them; what is left out counts for any. */
export interface Filters {
  readonly username?: string;
  readonly action?: string;
  readonly resource_type?: string;
  readonly resource_id?: string;
  readonly allowed?: 'true' | 'false';
  readonly request_id?: string;
  readonly since?: string;
  readonly until?: string;
}

const FIELDS = [
  ['username', T.audit.user, 'search'],
  ['action', T.audit.action, 'search'],
  ['resource_type', T.audit.kind, 'search'],
  ['resource_id', T.audit.id, 'search'],
  ['request_id', T.audit.requestId, 'search'],
  ['since', T.audit.since, 'datetime-local'],
  ['until', T.audit.until, 'datetime-local'],
] as const;
type Typed = Readonly<Record<(typeof FIELDS)[number][0], string>>;

const NOTHING = Object.fromEntries(FIELDS.map(([name]) => [name, ''])) as Typed;

/** What entries of the audit log are looked for by. */
export function AuditFilters({ apply }: { readonly apply: (filters: Filters) => void }) {
  const [typed, setTyped] = useState(NOTHING);
  const [allowed, setAllowed] = useState<'any' | 'true' | 'false'>('any');
  const act = async () => apply({ ...filtersIn(typed), ...(allowed !== 'any' && { allowed }) });
  return (
    <search aria-label={T.audit.filters}>
      <Form act={act} submit={T.audit.apply}>
        <div className="filters">
          {FIELDS.map(([name, label, type]) => (
            <Field
              key={name}
              label={label}
              type={type}
              value={typed[name]}
              onChange={(value) => setTyped({ ...typed, [name]: value })}
            />
          ))}
          <Choice
            label={T.audit.allowed}
            value={allowed}
            options={[
              ['any', T.audit.any],
              ['true', T.audit.yes],
              ['false', T.audit.no],
            ]}
            onChange={setAllowed}
          />
        </div>
      </Form>
    </search>
  );
}

/** What was typed, without what was left empty; moments as milliseconds. */
function filtersIn({ since, until, ...texts }: Typed): Filters {
  const given = Object.entries(texts).filter(([, value]) => value.trim() !== '');
  return {
    ...Object.fromEntries(given.map(([name, value]) => [name, value.trim()])),
    ...(since !== '' && { since: String(new Date(since).getTime()) }),
    // The field tells minutes: the last one is meant whole.
    ...(until !== '' && { until: String(new Date(until).getTime() + 59_999) }),
  };
}
