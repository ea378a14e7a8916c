<?php

namespace App;

use App\Events\EmptyEvent;
use App\Events\EncryptedEvent;
use App\Events\MessageCreated;
use App\Events\MessageSent;
use App\Events\NewMessageEvent;
use App\Events\OrderShipped;
use App\Events\PlainMessage;
use App\Events\PlainMessageNow;
use App\Events\RoomMessage;
use App\Events\SocketInPayload;
use App\Events\Unwanted;
use App\Models\Order;
use App\Models\User;
use App\Notifications\InvoicePaid;
use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Support\Facades\Redis;

/** Each kind of broadcast that Laravel knows, by name. The orders and users are those of the migration. */
class Broadcasts
{
    public static function fire(string $kind): void
    {
        $kinds = self::kinds();
        $kinds[$kind]();
    }

    /** @return array<string, callable> */
    private static function kinds(): array
    {
        return [
            'seed' => fn () => event(new NewMessageEvent('Hello from Laravel!')),
            'plain' => fn () => Redis::publish('messages-channel', 'Hello from Laravel!'),
            'bytes' => fn () => Redis::publish('messages-channel', "two\nlines, and {\"event\":1}"),
            'queued' => fn () => event(new PlainMessage('Hello from Laravel!')),
            'now' => fn () => event(new PlainMessageNow('Hello from Laravel!')),
            'dispatched' => fn () => PlainMessageNow::dispatch('Hello from Laravel!'),
            'helper' => fn () => broadcast(new PlainMessageNow('Hello from Laravel!')),
            'private' => fn () => OrderShipped::dispatch(Order::findOrFail(1)),
            'other-private' => fn () => OrderShipped::dispatch(Order::findOrFail(2)),
            'presence' => fn () => event(new RoomMessage('Hello from Laravel!')),
            'as-with-three' => fn () => event(new MessageCreated()),
            'empty' => fn () => event(new EmptyEvent()),
            'encrypted' => fn () => event(new EncryptedEvent()),
            'socket-in-payload' => fn () => event(new SocketInPayload()),
            'to-others' => fn () => broadcast(new MessageSent('Ada', 'for the others'))->toOthers(),
            'to-others-now' => fn () => broadcast(new PlainMessageNow('for the others'))->toOthers(),
            'model' => fn () => self::changeAnOrder(),
            'notification' => fn () => User::findOrFail(1)->notify(new InvoicePaid(120)),
            'other-notification' => fn () => User::findOrFail(2)->notify(new InvoicePaid(7)),
            'stream' => fn () => Redis::xadd('events', '*', [
                'topic' => 'private-orders.1', 'event' => OrderShipped::class, 'data' => json_encode(['status' => 'from the stream']),
            ]),
            'never' => fn () => event(new Unwanted()),
            'queued-closure' => fn () => self::queueAClosure(),
            'anonymous-class' => fn () => broadcast(self::anonymous()),
        ];
    }

    private static function changeAnOrder(): void
    {
        $order = Order::create(['user_id' => 1, 'status' => 'new']);
        $order->update(['status' => 'paid']);
        $order->delete();
    }

    private static function queueAClosure(): void
    {
        dispatch(static function () {
            broadcast(new PlainMessageNow('from a closure'));
        });
    }

    private static function anonymous(): ShouldBroadcastNow
    {
        return new class implements ShouldBroadcastNow {
            public string $text = 'from nowhere';

            public function broadcastOn(): Channel
            {
                return new Channel('messages');
            }

            // Without it the name would be that of the class, which has a NUL and a path in it.
            public function broadcastAs(): string
            {
                return 'anonymous';
            }
        };
    }
}
