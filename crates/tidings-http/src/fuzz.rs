//! The checks of the fuzz targets (`fuzz/`), each of which must hold of any bytes. They panic if it does not.

pub use crate::{
    echo::fuzz as echo, mercure::fuzz as mercure, native::fuzz as native, pusher::fuzz as pusher,
};
