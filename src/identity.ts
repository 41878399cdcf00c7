/** Who a worker is, as clients and logs name it. A class, so that it is its own injection token. */
export class WorkerIdentity {
  constructor(
    /** The worker's stable number, 1…N, which its replacement inherits. */
    readonly slot: number,
    /** The name of its host. */
    readonly host: string,
  ) {}
}
