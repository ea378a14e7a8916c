<?php

namespace App\Console\Commands;

use App\Broadcasts;
use Illuminate\Console\Command;

/** In place of the example's command of the same name. */
class Fire extends Command
{
    protected $signature = 'fire {kind* : the kinds of broadcast, in order}';

    protected $description = 'Broadcast each kind that is named';

    public function handle(): int
    {
        foreach ($this->argument('kind') as $kind) {
            Broadcasts::fire($kind);
        }

        return self::SUCCESS;
    }
}
