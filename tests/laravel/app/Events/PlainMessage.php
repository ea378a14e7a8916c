<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

/** Its name is its class, its data are its public properties. */
class PlainMessage implements ShouldBroadcast
{
    use Dispatchable, InteractsWithSockets;

    public string $message;
    public int $count = 3;
    protected string $secret = 'nobody sees this';

    public function __construct(string $message)
    {
        $this->message = $message;
    }

    public function broadcastOn(): Channel
    {
        return new Channel('messages');
    }
}
