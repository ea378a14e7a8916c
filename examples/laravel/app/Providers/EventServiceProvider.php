<?php

namespace App\Providers;

use App\Events\NewMessageEvent;
use App\Listeners\SendMessageToSSE;
use Illuminate\Foundation\Support\Providers\EventServiceProvider as ServiceProvider;

class EventServiceProvider extends ServiceProvider
{
    protected $listen = [
        NewMessageEvent::class => [
            SendMessageToSSE::class,
        ],
    ];
}
