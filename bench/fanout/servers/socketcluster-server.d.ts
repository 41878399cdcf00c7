/** Only what the bench uses of it. */
declare module 'socketcluster-server' {
  export function attach(server: import('node:http').Server): {
    readonly exchange: { transmitPublish(channel: string, data: unknown): Promise<void> };
  };
}
