/** Only what the tests use of it. */
declare module 'socket.io-client-2' {
  interface OldClient {
    readonly id: string;
    readonly io: { readonly engine: object };
    on(event: string, listener: (...args: never[]) => void): void;
    once(event: string, listener: (...args: never[]) => void): void;
    emit(event: string, ...args: unknown[]): void;
    on(event: string, listener: (...args: unknown[]) => void): void;
    close(): void;
  }
  export default function open(url: string, options: Readonly<Record<string, unknown>>): OldClient;
}
