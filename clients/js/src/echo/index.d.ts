/** What `new Echo({ broadcaster: TidingsConnector, … })` takes beside what Echo itself does. */
export interface TidingsOptions {
  /** Where the hub is, `https://hub.example`; the page's own origin unless given. */
  host?: string | null;
  /** The path of the hub's Echo front. Default: `/wave`. */
  endpoint?: string;
  /** Sent as `Authorization: Bearer …`. */
  bearerToken?: string | null;
  /** Asked for each request instead, for tokens that do not last as long as the page. */
  getBearerToken?: () => string | null | undefined | Promise<string | null | undefined>;
  /** Sent as `X-CSRF-TOKEN`. Default: the cookie `XSRF-TOKEN`, or what the page says in `<meta name="csrf-token">`. */
  csrfToken?: string | null;
  /** Further headers of every request. They may be changed while the page is open. */
  auth?: { headers?: Record<string, string> };
  /** Sends cookies to a hub of another origin, too. Default: false. */
  withCredentials?: boolean;
  /** The namespace of events whose names do not begin with a dot. Default: `App.Events`; `false` for none. */
  namespace?: string | false;
  /** Milliseconds of silence after which the connection is taken for dead: three of the hub's heartbeats; `Infinity`: never. Default: 45000. */
  heartbeatTimeout?: number;
  /** Used instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** The hub no longer has all that was missed: what follows is what it still has. Time to load the present state anew. */
  onReset?: (reset: { reason: 'unknown' | 'expired'; oldest: string | null }) => void;
  /** The hub says that the stream is going to end, or ends, because of its rights. It is opened again with those of then. */
  onClose?: (close: { reason: 'expiring' | 'revoked' | (string & {}); in_ms?: number }) => void;
  [option: string]: any;
}

export type ConnectionStatus = 'connected' | 'disconnected' | 'connecting' | 'reconnecting' | 'failed';

/** Why a channel is refused, or something sent to it was not taken. */
export interface ChannelError {
  /** `AuthError`: rights. `SubscriptionError`: anything else about the channel. `WhisperError`: a whisper was not sent. */
  type: 'AuthError' | 'SubscriptionError' | 'WhisperError';
  /** The HTTP status. With 400, 401, 403, 404 and 419 the channel stays refused; after others it is asked for again. */
  status: number;
  /** What the hub says about it, in words. */
  detail: string;
}

type Listener = (data: any) => void;

export class Channel {
  private constructor();
  /** The whole name: `private-orders.7`. */
  readonly name: string;
  listen(event: string, callback: Listener): this;
  /** Like `listen`, by the name as it is on the wire. */
  on(event: string, callback: Listener): this;
  listenToAll(callback: (event: string, data: any) => void): this;
  stopListening(event: string, callback?: Listener): this;
  stopListeningToAll(callback?: (event: string, data: any) => void): this;
  notification(callback: Listener): this;
  stopListeningForNotification(callback?: Listener): this;
  listenForWhisper(event: string, callback: Listener): this;
  stopListeningForWhisper(event: string, callback?: Listener): this;
  /** Called each time the hub has taken the channel: at first, and after each reconnect. At once if it has already. */
  subscribed(callback: () => void): this;
  error(callback: (error: ChannelError) => void): this;
}

export class PrivateChannel extends Channel {
  /** Tells the others in the channel. What cannot be sent now is not sent later. */
  whisper(event: string, data: any): this;
}

export class PresenceChannel extends PrivateChannel {
  /** Called with all who are there each time the hub has taken the channel. At once if it has already. */
  here(callback: (users: any[]) => void): this;
  joining(callback: Listener): this;
  leaving(callback: Listener): this;
}

/** The `broadcaster` of an Echo. */
export class TidingsConnector {
  constructor(options?: TidingsOptions);
  options: TidingsOptions;
  channels: Record<string, Channel>;
  /** Opens the stream; again after `disconnect()`, or after it has failed. */
  connect(): void;
  disconnect(): void;
  listen(name: string, event: string, callback: Listener): Channel;
  channel(name: string): Channel;
  privateChannel(name: string): PrivateChannel;
  presenceChannel(name: string): PresenceChannel;
  /** Throws: end-to-end encryption is not spoken. */
  encryptedPrivateChannel(name: string): never;
  leave(name: string): void;
  leaveChannel(name: string): void;
  socketId(): string | undefined;
  connectionStatus(): ConnectionStatus;
  /** Returns what stops the calls. */
  onConnectionChange(callback: (status: ConnectionStatus) => void): () => void;
}
