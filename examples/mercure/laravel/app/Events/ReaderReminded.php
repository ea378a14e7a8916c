<?php

namespace App\Events;

use Illuminate\Foundation\Events\Dispatchable;

/** Only the reader should know. */
class ReaderReminded
{
    use Dispatchable;

    public string $reader;
    public string $text;

    public function __construct(string $reader, string $text)
    {
        $this->reader = $reader;
        $this->text = $text;
    }
}
