<?php

use App\Models\Order;
use App\Models\User;
use Illuminate\Support\Facades\Broadcast;

// Who may hear private events. The hub asks these, through /broadcasting/auth, and nobody else.

Broadcast::channel('App.Models.User.{id}', fn (User $user, $id) => $user->id === (int) $id);

Broadcast::channel('App.Models.Order.{order}', fn (User $user, Order $order) => $user->id === $order->user_id);

Broadcast::channel('orders.{order}', fn (User $user, Order $order) => $user->id === $order->user_id);

// A presence channel: what comes back is what the others in the room are shown.
Broadcast::channel('room.{id}', fn (User $user, $id) => ['id' => $user->id, 'name' => $user->name]);
