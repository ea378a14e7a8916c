<?php

namespace App\Listeners;

use App\Events\NewMessageEvent;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Support\Facades\Redis;

/**
 * Hands the message to Redis, where the hub hears it and sends it to the browsers.
 *
 * Queued, so that a web request never waits for it: with QUEUE_CONNECTION=sync it runs at once,
 * with any other connection when a worker takes it up.
 */
class SendMessageToSSE implements ShouldQueue
{
    public const CHANNEL = 'messages-channel';

    public function handle(NewMessageEvent $event): void
    {
        Redis::publish(self::CHANNEL, json_encode(['message' => $event->message]));
    }
}
