<?php

namespace App\Listeners;

use App\Events\BookLent;
use App\Events\ReaderReminded;
use App\Mercure;
use Illuminate\Contracts\Queue\ShouldQueue;

/** Queued, so that no request of a browser waits for the hub. */
class PublishToMercure implements ShouldQueue
{
    /** @param BookLent|ReaderReminded $event */
    public function handle(object $event): void
    {
        if ($event instanceof BookLent) {
            Mercure::publish("https://library.example/books/{$event->book}", ['book' => $event->book, 'lent' => true]);
        } else {
            Mercure::publish("https://library.example/readers/{$event->reader}/reminders", ['text' => $event->text], true);
        }
    }
}
