<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

class EmptyEvent implements ShouldBroadcast
{
    public function broadcastOn(): Channel
    {
        return new Channel('messages');
    }

    public function broadcastWith(): array
    {
        return [];
    }
}
