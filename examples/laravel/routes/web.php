<?php

use App\Events\MessageSent;
use App\Events\OrderShipped;
use App\Models\Order;
use App\Models\User;
use App\Notifications\InvoicePaid;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

Route::view('/login', 'login')->name('login');

Route::post('/login', function (Request $request) {
    if (! Auth::attempt($request->only('email', 'password'))) {
        return back()->withErrors(['email' => 'Nobody has this address and password.']);
    }
    $request->session()->regenerate();

    return redirect('/');
});

Route::post('/logout', function (Request $request) {
    Auth::logout();
    $request->session()->invalidate();

    return redirect('/login');
});

Route::middleware('auth')->group(function () {
    Route::get('/', fn (Request $request) => view('page', ['user' => $request->user(), 'orders' => Order::all()]));

    // The page shows its own message by itself; Laravel knows it by the header X-Socket-ID.
    Route::post('/messages', function (Request $request) {
        broadcast(new MessageSent($request->user()->name, (string) $request->input('text')))->toOthers();

        return response()->noContent();
    });

    Route::post('/orders/{order}/ship', function (Order $order) {
        $order->update(['status' => 'shipped']);
        OrderShipped::dispatch($order);
        User::findOrFail($order->user_id)->notify(new InvoicePaid(120));

        return response()->noContent();
    });
});
