import { type BroadcastMessage, checkAnswer, checkRequest, type Fields, toBroadcast } from './message-check.js';
import { walkJson } from './json-walk.js';
import { walkMsgpack, type WalkLimits } from '../msgpack-walk.js';
import { type FleetProcess, readProcess } from './process-directory.js';

/** No process of this project can send more at a time. */
const longestBytes = 32 * 1024 * 1024;

/** A message of so many values takes a decoder a good part of a second, in which nobody else is served. */
const limits: WalkLimits = { depth: 512, nodes: 250_000 };

/** Of many thousands of sockets, with all that a node says of each. */
const answerLimits: WalkLimits = { depth: 512, nodes: 4_000_000 };

export type Decode = (message: Buffer) => unknown;

/** What another node answers to a request. */
export interface Answer {
  readonly requestId: string;
  readonly fields: Fields;
  /** The tag of the process that it comes from; undefined for an official node. */
  readonly from: string | undefined;
  /** Its name as well, where the answer says it. */
  readonly process: FleetProcess | undefined;
}

/**
 * Reads what other nodes say, and refuses what no node says before anything is made of it: anyone who reaches Redis can
 * publish to our channels.
 *
 * Each method throws an error that says what is wrong.
 */
export class MessageReader {
  constructor(private readonly decode: Decode) {}

  broadcast(message: Buffer): BroadcastMessage {
    checkLength(message);
    walkMsgpack(message, limits);
    return toBroadcast(this.decode(message));
  }

  request(message: Buffer): Fields {
    const request = this.read(message, limits);
    checkRequest(request);
    return request;
  }

  answer(message: Buffer): Answer {
    const fields = this.read(message, answerLimits);
    checkAnswer(fields);
    const process = readProcess(fields['process']);
    const tag = typeof fields['tag'] === 'string' ? fields['tag'] : undefined;
    return { requestId: fields.requestId, fields, from: process?.tag ?? tag, process };
  }

  /** JSON objects, or msgpack where they carry binary data. */
  private read(message: Buffer, most: WalkLimits): unknown {
    checkLength(message);
    if (message[0] === 0x7b) {
      walkJson(message, most);
      return JSON.parse(message.toString());
    }
    walkMsgpack(message, most);
    return this.decode(message);
  }
}

function checkLength({ length }: Buffer): void {
  if (length > longestBytes) throw new RangeError(`it has more than ${longestBytes} bytes`);
}
