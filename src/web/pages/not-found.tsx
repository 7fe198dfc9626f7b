import { Page } from '../parts/page.tsx';
import { T } from '../texts.ts';

export function NotFound() {
  return (
    <Page title={T.notFound}>
      <p>{T.notFoundHint}</p>
    </Page>
  );
}
