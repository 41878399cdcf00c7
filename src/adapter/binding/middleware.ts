import { isPromise } from './handler-factory.js';

/** As `use` takes it: of packets at a socket, of sockets at a namespace. */
export type Middleware = (subject: never, next: (error?: Error) => void) => unknown;

/** Asks one after the other, as Socket.IO does; but one that throws or rejects is one that refuses. */
export function runMiddleware(
  all: readonly Middleware[],
  subject: unknown,
  done: (error?: Error) => void,
  onFault: (error: unknown) => void,
): void {
  const middlewares = [...all];
  const step = (index: number): void => {
    const middleware = middlewares[index];
    if (!middleware) return done();
    let isOver = false;
    const end = (error?: Error): void => {
      if (isOver) return;
      isOver = true;
      if (error) done(error);
      else step(index + 1);
    };
    const fail = (error: unknown): void => {
      onFault(error);
      end(new Error('The server could not handle this message.'));
    };
    try {
      const result = middleware(subject as never, end);
      if (isPromise(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
  step(0);
}
