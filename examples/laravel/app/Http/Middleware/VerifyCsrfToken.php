<?php

namespace App\Http\Middleware;

use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken as Middleware;

/** Of this name, because Laravel 8 exempts /broadcasting/auth from this very class. */
class VerifyCsrfToken extends Middleware
{
}
