<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** A name and data of its own, on three channels at once. */
class MessageCreated implements ShouldBroadcast
{
    public function broadcastOn(): array
    {
        return [new Channel('messages'), new PrivateChannel('orders.1'), 'plain-string-channel'];
    }

    public function broadcastAs(): string
    {
        return 'message.created';
    }

    public function broadcastWith(): array
    {
        return ['id' => 42, 'text' => "héllo 你好 / <b>\"q\"</b>\nline2", 'nested' => ['a' => null, 'b' => 1.5, 'c' => true]];
    }
}
