import { type Observer, Subscriber } from 'rxjs';

/** Listens to an Observable whose own clean-up may throw, at a moment when nobody could catch it. */
export class Following extends Subscriber<unknown> {
  constructor(
    observer: Observer<unknown>,
    private readonly onFault: (error: unknown) => void,
  ) {
    super(observer);
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } catch (error) {
      this.onFault(error);
    }
  }
}
