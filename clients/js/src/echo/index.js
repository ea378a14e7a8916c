export { Channel, PresenceChannel, PrivateChannel } from './channel.js';
export { TidingsConnector } from './connector.js';
