<?php

namespace App\Models;

use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Database\Eloquent\BroadcastsEvents;
use Illuminate\Database\Eloquent\Model;

/** Its owner hears of every change: `OrderCreated`, `OrderUpdated`, `OrderDeleted`. */
class Order extends Model
{
    use BroadcastsEvents;

    protected $guarded = [];

    protected $casts = ['user_id' => 'integer'];

    public $timestamps = false;

    public function broadcastOn($event): array
    {
        return [$this, new PrivateChannel("App.Models.User.{$this->user_id}")];
    }
}
