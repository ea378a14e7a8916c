//! A network that loses packets, for one socket: a packet filter on the client's side drops what comes from the hub
//! before the kernel has seen it. So nothing is acknowledged, and to the hub it is as if the packet, or the peer, were
//! gone; it takes no rights.

use std::{io, os::fd::AsFd};

use socket2::{SockFilter, SockRef};

// Classic BPF (`linux/filter.h`): load a word, jump if greater or equal, return how much of the packet to keep.
const LOAD: u16 = 0x20;
const JUMP_GE: u16 = 0x35;
const RETURN: u16 = 0x06;
/// What to load for a random number: `SKF_AD_OFF + SKF_AD_RANDOM`.
const RANDOM: u32 = 0xffff_f000 + 56;
const ALL: u32 = u32::MAX;

/// Nothing comes through any more.
pub(crate) fn cut_off(socket: &impl AsFd) {
    SockRef::from(socket).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

/// Of 100 packets so many are lost.
pub(crate) fn lose(socket: &impl AsFd, percent: u32) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD, 0, 0, RANDOM),
        SockFilter::new(JUMP_GE, 0, 1, u32::MAX / 100 * percent),
        SockFilter::new(RETURN, 0, 0, ALL),
        SockFilter::new(RETURN, 0, 0, 0),
    ])
}
