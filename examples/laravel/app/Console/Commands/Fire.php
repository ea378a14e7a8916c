<?php

namespace App\Console\Commands;

use App\Events\NewMessageEvent;
use Illuminate\Console\Command;

/** Fires the event as a controller would, once for each message given. */
class Fire extends Command
{
    protected $signature = 'fire {message* : what to say; several are fired in order}';

    protected $description = 'Fire a NewMessageEvent for each message';

    public function handle(): int
    {
        foreach ($this->argument('message') as $message) {
            event(new NewMessageEvent($message));
        }

        return self::SUCCESS;
    }
}
