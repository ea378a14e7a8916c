<?php

namespace App\Events;

use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

class RoomMessage implements ShouldBroadcast
{
    public string $body;

    public function __construct(string $body)
    {
        $this->body = $body;
    }

    public function broadcastOn(): PresenceChannel
    {
        return new PresenceChannel('room.1');
    }
}
