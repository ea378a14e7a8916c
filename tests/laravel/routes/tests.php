<?php

use App\Broadcasts;
use App\Models\User;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Route;

// What the tests have beside the routes of the example, which go before these.

Route::get('/echo/{versions}', fn (string $versions) => view('echo', ['versions' => $versions]));

Route::post('/fire/{kind}', function (string $kind) {
    Broadcasts::fire($kind);

    return response()->noContent();
});

Broadcast::channel('encrypted-vault', fn () => true);

// For those who show a token in place of a cookie, as Sanctum has it.
Auth::viaRequest('bearer', fn ($request) => $request->bearerToken() === 'the-token-of-ada' ? User::find(1) : null);
config(['auth.guards.token' => ['driver' => 'bearer']]);
Broadcast::channel('tokens.{id}', fn ($user, $id) => $user->id === (int) $id, ['guards' => ['token']]);
