<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

class Unwanted implements ShouldBroadcast
{
    public function broadcastOn(): Channel
    {
        return new Channel('messages');
    }

    public function broadcastWhen(): bool
    {
        return false;
    }
}
