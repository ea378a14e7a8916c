<?php

use App\Models\Order;
use App\Models\User;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Hash;
use Illuminate\Support\Facades\Schema;

/** Two people to sign in as, with an order each. */
class CreateTheShop extends Migration
{
    public function up(): void
    {
        Schema::create('users', function (Blueprint $table) {
            $table->id();
            $table->string('name');
            $table->string('email')->unique();
            $table->string('password');
            $table->string('api_token')->nullable();
            $table->rememberToken();
        });
        Schema::create('orders', function (Blueprint $table) {
            $table->id();
            $table->foreignId('user_id');
            $table->string('status');
        });
        Model::withoutEvents(function () {
            foreach (['Ada', 'Grace'] as $name) {
                $email = strtolower($name).'@example.com';
                $user = User::create(['name' => $name, 'email' => $email, 'password' => Hash::make('password')]);
                Order::create(['user_id' => $user->id, 'status' => 'paid']);
            }
        });
    }
}
