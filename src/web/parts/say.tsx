import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';

/** Tells in a word what was done, to eyes and to screen readers. */
type Say = (text: string) => void;

const SHOWN_MS = 8_000;

const Saying = createContext<Say>(() => {});

export const useSay = (): Say => useContext(Saying);

/** Where sayings show: one live region for all pages. */
export function Sayings({ children }: { readonly children: ReactNode }) {
  const [said, setSaid] = useState('');
  const timer = useRef<number>(undefined);
  const say = useCallback((text: string) => {
    window.clearTimeout(timer.current);
    setSaid(text);
    timer.current = window.setTimeout(() => setSaid(''), SHOWN_MS);
  }, []);
  return (
    <Saying value={say}>
      {children}
      <div className="sayings" role="status">
        {said === '' ? null : <p>{said}</p>}
      </div>
    </Saying>
  );
}
