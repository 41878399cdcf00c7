import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Calls back once a request is over, however it ends; returns what calls that off.
 *
 * Of requests that wait behind another one on their connection Node closes no response when the connection goes.
 */
export function onceOver({ socket }: IncomingMessage, response: ServerResponse, callback: () => void): () => void {
  let isOver = false;
  const callOff = (): void => {
    isOver = true;
    socket.off('close', end);
    response.off('close', end);
  };
  const end = (): void => {
    // Node closes a response while its connection closes.
    if (isOver) return;
    callOff();
    callback();
  };
  // Many may wait on one connection.
  socket.setMaxListeners(0).once('close', end);
  response.once('close', end);
  return callOff;
}
