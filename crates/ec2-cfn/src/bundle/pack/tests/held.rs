//! What packing and sending hold at once.

use std::sync::Arc;

use super::super::compress::{self, Deflate};
use super::super::order::{Ordered, Sized};
use super::super::source::{Shared, Taken};
use super::super::{HELD, How, MIB, MOST_THREADS, Tree, parts_at_once};
use super::{FORMATS, builder, corpus, half, spec, write};

#[test]
fn what_comes_of_work_takes_no_more_than_was_reserved_for_it_and_much_less_than_there_is() {
    let folder = corpus();
    write(folder.path(), "whole.bin", &half(8 * MIB as usize, 3));
    write(folder.path(), "pieces.txt", &half(9 * MIB as usize, 4));
    for (format, level) in FORMATS.into_iter().flat_map(|format| [0, 1, 9].map(|level| (format, level))) {
        let tree = Arc::new(Tree::read(&spec(builder(folder.path()).format(format).level(level))).unwrap());
        let shared = Shared::new(tree, How { format, level, threads: None, part_size: MIB });
        let (ordered, mut deflate) = (Ordered::new(usize::MAX), Deflate::new(level));
        while let Some(Taken { room, work, .. }) = shared.take(&ordered).unwrap() {
            let size = shared.pack(work, &mut deflate).unwrap().size();
            assert!(size <= room, "{format:?} at level {level}: {size} bytes of {room}");
            // However many threads there are, two of them work at once.
            let bound = HELD - MOST_THREADS * compress::STATE;
            assert!(2 * room <= bound, "{format:?} at level {level}: {room} bytes of {bound}");
        }
    }
}

#[test]
fn parts_have_128_mebibytes_and_are_32_at_most_and_one_there_always_is() {
    let sizes = [(5, 25), (8, 16), (16, 8), (100, 1), (128, 1), (500, 1), (1, 32)];
    for (mebibytes, count) in sizes {
        assert_eq!(parts_at_once(mebibytes * MIB), count, "{mebibytes} MiB");
    }
}
