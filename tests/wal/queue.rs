//! Group commit.

use crate::harness::{RANDOM, open, read};
use crossbeam::channel::{Receiver, Sender, unbounded};
use exchequer::wal::{
    Commit, Committer, Identity, LogFault, LogOptions, Lsn, Order, Pumped, QueueOptions, SimFault,
    SimStorage, Storage, Watermark, open_log, run,
};
use std::sync::Arc;
use std::thread;
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

#[test]
fn serves_many_producers_with_segments_made_ahead() {
    const PRODUCERS: u8 = 4;
    const BUFFERS: usize = 200;
    let storage = SimStorage::new(0);
    let identity = Identity::open_or_create(&storage, || RANDOM).unwrap();
    let options = LogOptions { segment_bytes: 8192, ..LogOptions::default() };
    let shared: Arc<dyn Storage> = Arc::new(storage.clone());
    let (log, _) = open_log(shared, &identity, options, Lsn::new(1), &mut |_| Ok(())).unwrap();
    let watermark = Watermark::new(Lsn::default());
    let (orders, todo) = unbounded();
    thread::scope(|scope| {
        let writer = scope.spawn(|| run(log, &todo, &QueueOptions::default(), &watermark));
        let producers: Vec<_> = (1..=PRODUCERS)
            .map(|name| {
                let (orders, watermark) = (orders.clone(), &watermark);
                scope.spawn(move || {
                    let (events, seen) = unbounded();
                    for _ in 0..BUFFERS {
                        let buffer = Buffer { name, bytes: vec![name; 100], events: events.clone() };
                        orders.send(Order::Commit(buffer)).unwrap();
                        assert_eq!(seen.recv().unwrap(), Event::Taken(name));
                        let Event::Durable(_, lsn) = seen.recv().unwrap() else { panic!("taken twice") };
                        assert!(watermark.durable() >= Lsn::new(lsn));
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        orders.send(Order::Seal).unwrap();
        assert_eq!(writer.join().unwrap().unwrap(), watermark.durable());
    });
    let blocks = read(&storage, 1, None).unwrap().1;
    let bytes: Vec<u8> = blocks.into_iter().flat_map(|(_, bytes)| bytes).collect();
    for name in 1..=PRODUCERS {
        assert_eq!(bytes.iter().map(|byte| usize::from(*byte == name)).sum::<usize>(), BUFFERS * 100);
    }
}
