interface Account {
  clients: number;
  acknowledged: number;
}

/** The clients' acknowledgements of one broadcast, by the process that the clients are connected to. */
export class AckCount {
  private readonly accounts = new Map<string | undefined, Account>();
  /** How many nodes have said how many clients they have. */
  nodes = 0;
  /** How many acknowledgements nobody waits for any more, since their process is gone. */
  forgiven = 0;

  /** @param tag undefined for this node, and for official ones, which do not say who they are */
  expect(tag: string | undefined, clients: number): void {
    this.nodes++;
    this.accountOf(tag).clients += clients;
  }

  take(tag: string | undefined): void {
    this.accountOf(tag).acknowledged++;
  }

  /** Whether the clients of every process that is there have acknowledged; what the others owe is forgiven. */
  isSettled(isThere: (tag: string) => boolean): boolean {
    this.forgiven = 0;
    let owed = 0;
    for (const [tag, { clients, acknowledged }] of this.accounts) {
      if (tag === undefined || isThere(tag)) owed += clients - acknowledged;
      else this.forgiven += clients - acknowledged;
    }
    return owed <= 0;
  }

  private accountOf(tag: string | undefined): Account {
    const account = this.accounts.get(tag) ?? { clients: 0, acknowledged: 0 };
    this.accounts.set(tag, account);
    return account;
  }
}
