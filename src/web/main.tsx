import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Refusal } from './api/client.ts';
import { Sayings } from './parts/say.tsx';
import { createAppRouter } from './router.tsx';
import './style.css';

/** How often a question is repeated that got no answer. */
const RETRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused is refused again.
      retry: (failures, error) =>
        failures < RETRIES && error instanceof Refusal && [0, 502, 503, 504].includes(error.status),
    },
  },
});
const router = createAppRouter();

const place = document.getElementById('app');
if (place === null) {
  throw new Error('the page has no place for the app');
}
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Sayings>
        <RouterProvider router={router} />
      </Sayings>
    </QueryClientProvider>
  </StrictMode>,
);
