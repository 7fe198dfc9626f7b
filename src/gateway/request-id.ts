/** A refusal's message with the id of its request, by which an admin finds out why it was refused. */
export const tellingRequestId = (message: string, id: unknown): string => `${message} Request id: ${id}.`;
