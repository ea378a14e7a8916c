<?php

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

/** Something was said in public. Queued: a worker broadcasts it, unless QUEUE_CONNECTION=sync. */
class MessageSent implements ShouldBroadcast
{
    use Dispatchable, InteractsWithSockets;

    public string $from;
    public string $text;

    public function __construct(string $from, string $text)
    {
        $this->from = $from;
        $this->text = $text;
    }

    public function broadcastOn(): Channel
    {
        return new Channel('messages');
    }

    public function broadcastAs(): string
    {
        return 'message.sent';
    }
}
