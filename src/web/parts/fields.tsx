import { type ReactNode, useId } from 'react';
import { FieldError, Input, Label, Text, TextArea, TextField } from 'react-aria-components';

/** One line to type in. */
export function Field({
  label,
  help,
  value,
  onChange,
  type = 'text',
  isRequired = false,
  isReadOnly = false,
  autoComplete = 'off',
  error,
}: {
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  /** Left out where nothing can be typed. */
  readonly onChange?: (value: string) => void;
  readonly type?: 'text' | 'password' | 'search' | 'datetime-local' | 'number';
  readonly isRequired?: boolean;
  readonly isReadOnly?: boolean;
  readonly autoComplete?: string;
  /** Why what stands there is refused. */
  readonly error?: string | undefined;
}) {
  return (
    <TextField
      className="field"
      value={value}
      {...(onChange !== undefined && { onChange })}
      type={type}
      isRequired={isRequired}
      isReadOnly={isReadOnly}
      isInvalid={error !== undefined}
      autoComplete={autoComplete}
      spellCheck="false"
    >
      <Label>{label}</Label>
      <Input />
      {help === undefined ? null : (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError>{error}</FieldError>
    </TextField>
  );
}

/** A few lines to type in. */
export function LongField({
  label,
  help,
  value,
  onChange,
  longest,
}: {
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** In characters. */
  readonly longest: number;
}) {
  return (
    <TextField className="field" value={value} onChange={onChange} maxLength={longest} autoComplete="off">
      <Label>{label}</Label>
      <TextArea rows={3} />
      {help === undefined ? null : (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
    </TextField>
  );
}

/** One out of a few. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  onChange,
  isLabelHidden = false,
  help,
}: {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [value: Value, shown: string])[];
  readonly onChange: (value: Value) => void;
  readonly isLabelHidden?: boolean;
  readonly help?: ReactNode;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id} className={isLabelHidden ? 'only-heard' : undefined}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        onChange={({ target }) => {
          const chosen = options.find(([each]) => each === target.value);
          if (chosen !== undefined) {
            onChange(chosen[0]);
          }
        }}
      >
        {options.map(([each, shown]) => (
          <option key={each} value={each}>
            {shown}
          </option>
        ))}
      </select>
      {help === undefined ? null : (
        <span id={`${id}-help`} className="help">
          {help}
        </span>
      )}
    </div>
  );
}

/** Yes or no. */
export function Tick({
  label,
  isTicked,
  onChange,
}: {
  readonly label: string;
  readonly isTicked: boolean;
  readonly onChange: (isTicked: boolean) => void;
}) {
  return (
    <label className="tick">
      <input type="checkbox" checked={isTicked} onChange={({ target }) => onChange(target.checked)} />
      {label}
    </label>
  );
}
