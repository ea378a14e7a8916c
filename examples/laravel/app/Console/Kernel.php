<?php

namespace App\Console;

use App\Console\Commands\Fire;
use Illuminate\Foundation\Console\Kernel as ConsoleKernel;

class Kernel extends ConsoleKernel
{
    protected $commands = [Fire::class];
}
