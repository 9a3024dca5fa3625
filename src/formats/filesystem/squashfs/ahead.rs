//! Decoding ahead: the blocks of one large file decoded by several threads, so that it does not wait for one core.
//!
//! Threads of our own and not tasks of the pool: a task that waits may be given another file to read, whose
//! buffers would come on top.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::problem::Problem;

use super::blocks::{Blocks, Stored};

/// A block that was decoded ahead, and what is wrong with it although it could be decoded.
type Decoded = Result<(Vec<u8>, Option<Problem>), Problem>;

/// The helpers of one reader. They and the reader take turns with the compressed blocks.
pub(super) struct Lanes {
    lanes: Vec<Receiver<Decoded>>,
    turn: usize,
}

impl Lanes {
    /// The next block of the file from the helper whose turn it is; `None` when the reader is to decode it.
    pub(super) fn next(&mut self, block: Stored) -> Option<Decoded> {
        if !block.is_compressed() {
            return None;
        }
        let lane = self.lanes.get(self.turn);
        self.turn = lane.map_or(0, |_| self.turn.saturating_add(1));
        // A helper that could not be started has hung up, and its blocks are the reader's.
        lane?.recv().ok()
    }
}

/// Calls `read` with `count` helpers at work on `stored`, blocks with their decoded lengths, and ends them.
pub(super) fn with<T>(
    count: usize,
    blocks: &Blocks,
    stored: &(impl Iterator<Item = (Stored, u64)> + Clone + Send),
    read: impl FnOnce(Lanes) -> T,
) -> T {
    thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(count);
        for turn in 0..count {
            let (sender, lane) = sync_channel(1);
            lanes.push(lane);
            // Every helper takes its turn once in as many as there are helpers and the reader.
            let mine = stored
                .clone()
                .filter(|(block, _)| block.is_compressed())
                .skip(turn)
                .step_by(count.saturating_add(1));
            let help = move || help(blocks, mine, &sender);
            // Where no thread can be had the sender is dropped, and the reader does it all.
            drop(thread::Builder::new().spawn_scoped(scope, help));
        }
        read(Lanes { lanes, turn: 0 })
    })
}

fn help(blocks: &Blocks, mine: impl Iterator<Item = (Stored, u64)>, sender: &SyncSender<Decoded>) {
    let mut worker = blocks.worker();
    for (block, wanted) in mine {
        let decoded = blocks
            .decode(block, Some(wanted), &mut worker)
            .map(|(piece, problem)| (piece.as_ref().to_vec(), problem));
        // The reader is gone when it found something wrong.
        if sender.send(decoded).is_err() {
            break;
        }
    }
    blocks.give_back(worker);
}
