//! The allocator. A crowd that leaves must give its memory back: glibc's allocator keeps nearly all of it, jemalloc with
//! these settings returns it within a second.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Read by jemalloc when it starts: freed pages go back after half a second, by a thread of its own, and two arenas are
/// enough for threads that allocate little. `_RJEM_MALLOC_CONF` in the environment goes over it.
// SAFETY: the symbol is jemalloc's documented one for its settings, under the prefix with which tikv-jemalloc-sys builds
// it, and nothing else defines it. jemalloc reads a pointer to a string that ends with a zero byte, which is what a
// reference to these bytes is; they live for ever and are never written.
#[allow(unsafe_code)]
#[used]
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8; 69] = b"background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2\0";
