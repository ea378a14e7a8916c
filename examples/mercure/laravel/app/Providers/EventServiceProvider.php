<?php

namespace App\Providers;

use App\Events\BookLent;
use App\Events\ReaderReminded;
use App\Listeners\PublishToMercure;
use Illuminate\Foundation\Support\Providers\EventServiceProvider as ServiceProvider;

class EventServiceProvider extends ServiceProvider
{
    protected $listen = [
        BookLent::class => [PublishToMercure::class],
        ReaderReminded::class => [PublishToMercure::class],
    ];
}
