<?php

// `sync` runs a queued listener at once; an application has a worker.
return ['default' => 'sync', 'connections' => ['sync' => ['driver' => 'sync']], 'failed' => ['driver' => 'null']];
