<?php

namespace App\Events;

use Illuminate\Foundation\Events\Dispatchable;

/** Every page that shows the book should know. */
class BookLent
{
    use Dispatchable;

    public string $book;

    public function __construct(string $book)
    {
        $this->book = $book;
    }
}
