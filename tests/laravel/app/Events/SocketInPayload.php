<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** Laravel overwrites a `socket` of the application's own. */
class SocketInPayload implements ShouldBroadcast
{
    public function broadcastOn(): Channel
    {
        return new Channel('messages');
    }

    public function broadcastWith(): array
    {
        return ['socket' => 'mine', 'x' => 1];
    }
}
