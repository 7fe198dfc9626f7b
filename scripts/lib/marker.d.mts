export function isMarked(path: string, content: string): boolean;
export function mark(path: string, content: string): void;
