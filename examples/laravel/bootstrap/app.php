<?php

use Illuminate\Contracts\Console\Kernel as ConsoleKernel;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as HttpKernel;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Exceptions\Handler;

$app = new Application(dirname(__DIR__));

$app->singleton(ConsoleKernel::class, App\Console\Kernel::class);
$app->singleton(HttpKernel::class, App\Http\Kernel::class);
$app->singleton(ExceptionHandler::class, Handler::class);

return $app;
