// Compiled, never run: the declared types are those of the implementation, and both Echos take the connector.

import Echo1 from 'laravel-echo-1';
import Echo2 from 'laravel-echo-2';
import type { TidingsConnector as Implementation } from '../src/echo/connector.js';
import { TidingsConnector, type ChannelError, type TidingsOptions } from 'tidings/echo';

export const asDeclared = (made: Implementation): TidingsConnector => made;

const options = {
  broadcaster: TidingsConnector,
  host: 'https://hub.example',
  getBearerToken: async () => 'token',
  onReset: ({ reason }: { reason: string }) => console.log(reason),
} satisfies TidingsOptions;

export const first = new Echo1<'function'>(options);
export const second = new Echo2<'function'>(options);

export function use(connector: TidingsConnector) {
  const room = connector.presenceChannel('room.1');
  room.here((users) => users.length).joining((user) => user.id).whisper('typing', { name: 'Ada' });
  room.error(({ type, status, detail }: ChannelError) => `${type} ${status} ${detail}`);
  connector.channel('messages').listen('.message.created', ({ text }) => text).subscribed(() => {});
  // @ts-expect-error Whispers are for private and presence channels.
  connector.channel('messages').whisper('typing', {});
}
