<?php

namespace App\Events;

use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

class PlainMessageNow extends PlainMessage implements ShouldBroadcastNow
{
}
