<?php

// What Laravel's cookies are unless told otherwise; there is no session here.
return ['path' => '/', 'domain' => null, 'secure' => null, 'same_site' => 'lax'];
