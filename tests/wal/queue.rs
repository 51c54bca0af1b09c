//! Group commit.

use crate::harness::{open, read};
use crossbeam::channel::{Receiver, Sender, unbounded};
use exchequer::wal::{
    Commit, Committer, LogFault, Lsn, Order, Pumped, QueueOptions, SimFault, SimStorage, Watermark, run,
};
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Event {
    Taken(u8),
    Durable(u8, u64),
}

struct Buffer {
    name: u8,
    bytes: Vec<u8>,
    events: Sender<Event>,
}

impl Commit for Buffer {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn records(&self) -> u32 {
        u32::from(!self.bytes.is_empty())
    }

    fn taken(&mut self) {
        self.events.send(Event::Taken(self.name)).unwrap();
    }

    fn durable(self, lsn: Lsn) {
        self.events.send(Event::Durable(self.name, lsn.number())).unwrap();
    }
}

struct Queue {
    storage: SimStorage,
    orders: Sender<Order<Buffer>>,
    todo: Receiver<Order<Buffer>>,
    events: Sender<Event>,
    seen: Receiver<Event>,
}

fn queue() -> Queue {
    let (orders, todo) = unbounded();
    let (events, seen) = unbounded();
    Queue { storage: SimStorage::new(0), orders, todo, events, seen }
}

impl Queue {
    fn commit(&self, name: u8, bytes: usize) {
        let buffer = Buffer { name, bytes: vec![name; bytes], events: self.events.clone() };
        self.orders.send(Order::Commit(buffer)).unwrap();
    }

    fn run(self, options: &QueueOptions) -> (Result<Lsn, LogFault>, Vec<Event>, SimStorage, Watermark) {
        let log = open(&self.storage, 4096).unwrap();
        let watermark = Watermark::new(log.recovered.last);
        drop(self.orders);
        let result = run(log.writer, &self.todo, options, &watermark);
        (result, self.seen.try_iter().collect(), self.storage, watermark)
    }
}

#[test]
fn commits_a_prefix_of_the_queue_as_one_block() {
    let queue = queue();
    for name in 1..=3 {
        queue.commit(name, 10);
    }
    queue.orders.send(Order::Trim(Lsn::new(1))).unwrap();
    queue.commit(4, 10);
    queue.orders.send(Order::Seal).unwrap();
    let (result, events, storage, watermark) = queue.run(&QueueOptions::default());
    assert_eq!(result.unwrap(), Lsn::new(3));
    let expect = [
        Event::Taken(1),
        Event::Taken(2),
        Event::Taken(3),
        Event::Durable(1, 1),
        Event::Durable(2, 1),
        Event::Durable(3, 1),
        Event::Taken(4),
        Event::Durable(4, 2),
    ];
    assert_eq!(events, expect);
    let (recovered, blocks) = read(&storage, 0, None).unwrap();
    assert!(recovered.sealed);
    assert_eq!(blocks[0].1, [vec![1; 10], vec![2; 10], vec![3; 10]].concat());
    assert_eq!((watermark.accepted(), watermark.durable()), (Lsn::new(3), Lsn::new(3)));
}

#[test]
fn closes_a_block_that_is_full() {
    let queue = queue();
    for name in 1..=4 {
        queue.commit(name, 10);
    }
    let options = QueueOptions { block_bytes_max: 20, max_commit_delay: Some(Duration::from_millis(1)) };
    let (result, events, storage, _) = queue.run(&options);
    assert_eq!(result.unwrap(), Lsn::new(2));
    assert_eq!(events[5..], [Event::Taken(4), Event::Durable(3, 2), Event::Durable(4, 2)]);
    assert!(!read(&storage, 0, None).unwrap().0.sealed, "nobody asked for a seal");
}

#[test]
fn an_empty_buffer_writes_nothing_and_waits_its_turn() {
    let queue = queue();
    queue.commit(1, 0);
    queue.orders.send(Order::Trim(Lsn::default())).unwrap();
    queue.commit(2, 10);
    queue.commit(3, 0);
    let (result, events, _, _) = queue.run(&QueueOptions::default());
    assert_eq!(result.unwrap(), Lsn::new(1));
    let durable: Vec<_> = events.into_iter().filter(|event| matches!(event, Event::Durable(..))).collect();
    assert_eq!(durable, [Event::Durable(1, 0), Event::Durable(2, 1), Event::Durable(3, 1)]);
}

#[test]
fn nothing_is_durable_after_a_fault() {
    let queue = queue();
    queue.commit(1, 10);
    queue.orders.send(Order::Trim(Lsn::default())).unwrap();
    queue.commit(2, 10);
    queue.commit(3, 0);
    queue.orders.send(Order::Seal).unwrap();
    let probe = SimStorage::new(0);
    drop(open(&probe, 4096).unwrap());
    queue.storage.fail_at(probe.calls() + 4, SimFault::SyncFails);
    let (result, events, _, watermark) = queue.run(&QueueOptions::default());
    assert!(matches!(result, Err(LogFault::Io(_))));
    assert_eq!(events[1..], [Event::Durable(1, 1), Event::Taken(2), Event::Taken(3)]);
    assert_eq!((watermark.submitted(), watermark.durable()), (Lsn::new(2), Lsn::new(1)));
}

#[test]
fn can_be_pumped_without_a_thread() {
    let queue = queue();
    let log = open(&queue.storage, 4096).unwrap();
    let watermark = Watermark::new(log.recovered.last);
    let mut committer = Committer::new(log.writer);
    let mut pump = || committer.pump(&queue.todo, &QueueOptions::default(), &watermark).unwrap();
    assert_eq!(pump(), Pumped::Idle);
    queue.commit(1, 10);
    assert_eq!(pump(), Pumped::Worked);
    queue.orders.send(Order::Seal).unwrap();
    assert_eq!(pump(), Pumped::Sealed(Lsn::new(2)));
}
