interface Debt {
  owed: number;
  waiting: (() => void)[] | undefined;
}

/** Counts the acknowledgements that each connection is still owed, so that it can be closed after the last of them. */
export class Unanswered {
  private readonly debts = new WeakMap<object, Debt>();

  owe(connection: object): void {
    const debt = this.debts.get(connection);
    if (debt) debt.owed++;
    else this.debts.set(connection, { owed: 1, waiting: undefined });
  }

  pay(connection: object): void {
    const debt = this.debts.get(connection);
    if (!debt || debt.owed === 0 || --debt.owed > 0) return;
    const { waiting } = debt;
    debt.waiting = undefined;
    for (const resolve of waiting ?? []) resolve();
  }

  /** Resolves as soon as the connection is owed nothing. */
  async settled(connection: object): Promise<void> {
    const debt = this.debts.get(connection);
    if (debt && debt.owed > 0) await new Promise<void>((resolve) => void (debt.waiting ??= []).push(resolve));
  }
}
