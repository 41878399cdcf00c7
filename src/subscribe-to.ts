import { SubscribeMessage } from '@nestjs/websockets';
import type { Observable } from 'rxjs';

/** What clients can say: the name of each event, and a function with its payload and acknowledgement. */
export type EventMap<Events> = { readonly [Name in keyof Events]: (...args: never[]) => void };

type Acknowledgement = (...args: never[]) => unknown;

/** What a client sends with the event, without the acknowledgement. */
type Payload<Event> = Event extends (...args: infer Args) => void ? Exclude<Args[number], Acknowledgement> : never;

/** What the acknowledgement takes; nothing where the event has none. */
type Answer<Event> = Event extends (...args: infer Args) => void
  ? Extract<Args[number], Acknowledgement> extends (result: infer Result) => unknown
    ? Result
    : unknown
  : never;

type Eventually<T> = T | Promise<T> | Observable<T> | Promise<Observable<T>>;

/** A handler may return nothing: then it acknowledges with nothing, by itself, or emits a response. */
type Returned<Event> = Eventually<Answer<Event> | { readonly event: string; readonly data: unknown } | void>;

/**
 * Whether a parameter can be given something that a handler gets: the payload or one of its fields, the client, the
 * acknowledgement. Of a decorator's own making nothing is known here, so what it says is `unknown` to TypeScript.
 */
type Fits<Parameter, Event> = unknown extends Parameter
  ? true
  : [Payload<Event>] extends [never]
    ? Parameter extends ClientLike | Acknowledgement
      ? true
      : false
    : Payload<Event> extends Parameter
      ? true
      : Parameter extends ClientLike | Acknowledgement
        ? true
        : Payload<Event>[keyof Payload<Event>] extends Parameter
          ? true
          : FieldFits<Parameter, Payload<Event>>;

type FieldFits<Parameter, Sent> = Sent extends object
  ? true extends { [Field in keyof Sent]: Sent[Field] extends Parameter ? true : false }[keyof Sent]
    ? true
    : false
  : false;

interface ClientLike {
  readonly handshake: unknown;
}

type AllFit<Parameters extends readonly unknown[], Event> = false extends {
  [Index in keyof Parameters]: Fits<Parameters[Index], Event>;
}[number]
  ? false
  : true;

type Served<Method, Event> = Method extends (...args: infer Parameters) => infer Result
  ? AllFit<Parameters, Event> extends true
    ? [Result] extends [Returned<Event>]
      ? Method
      : (...args: Parameters) => Returned<Event>
    : (payload: Payload<Event>) => Returned<Event>
  : never;

type HandlerDecorator<Event> = <Method>(
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & TypedPropertyDescriptor<Served<Method, Event>>,
) => void;

/**
 * `@SubscribeMessage` for the events of a map: a name that is not in it, a parameter that cannot be given what a client
 * sends and a result that the acknowledgement does not take are errors of `tsc`.
 *
 *     const On = subscribeTo<ClientEvents>();
 *
 *     @On('join')
 *     join(@ConnectedSocket() client: ChatSocket, @MessageBody() room: string): Promise<true> { … }
 *
 * A parameter decorator says nothing to TypeScript, so each parameter may be any of what a handler gets.
 */
export function subscribeTo<Events extends EventMap<Events>>() {
  return <Name extends keyof Events & string>(name: Name): HandlerDecorator<Events[Name]> =>
    (target, property, descriptor) =>
      SubscribeMessage(name)(target, property, descriptor);
}
