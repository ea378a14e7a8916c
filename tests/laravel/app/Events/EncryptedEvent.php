<?php

namespace App\Events;

use Illuminate\Broadcasting\EncryptedPrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** Laravel encrypts such channels for Pusher alone: over Redis the data is as it is. */
class EncryptedEvent implements ShouldBroadcast
{
    public int $v = 1;

    public function broadcastOn(): EncryptedPrivateChannel
    {
        return new EncryptedPrivateChannel('vault');
    }
}
