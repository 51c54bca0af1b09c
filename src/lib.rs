//! Exchequer: a billing-account ledger. Every charge is posted exactly once, every balance is always current.
//!
//! # Bird's eye
//!
//! ```text
//!  cli ── ingest            files and pipes become pages of charges; commands become requests
//!    │
//!  engine                   the embedding API: any thread; resolves ids, waits for room, hands over, waits for the disk
//!    │ batches of charges by shard                │ commands
//!  actors: shards ── resident billing accounts    directory      one arbiter thread each; apply the domain's rules
//!          credit control and authorization of each enterprise    on the threads of the shards
//!    │ records, in order
//!  wal: one thread          a block a group commit: CRC, chain, write, fdatasync ── durable watermark ── answers
//! ```
//!
//! A charge is resolved to a shard on the caller's thread, with about a thousand others pushed into the shard's inbox, checked
//! against all identities that are remembered, applied to its account in place, and encoded with the others of the same step
//! into one record.
//! The batch is answered when the log's durable watermark has passed that record. Opening reads the newest snapshot and
//! replays the log after it. Charges hardly ever wait for memory: a table of identities grows a little at a time, into memory that
//! another thread has touched before.
//!
//! What crosses accounts goes by messages, without a lock and without a transaction: a transfer, a revocation, credit given
//! and returned, joining an enterprise. The sender decides; its record holds the numbered message (outbox), and the message
//! leaves when the log has the record in its queue. The receiver never refuses; its record names the sender's number (inbox:
//! one watermark a sender), and the answer waits for it. At every instant the money is in the one account, in flight in the
//! log, or in the other one. Opening sends again what had not arrived. Credit goes both ways so: the credit control of an
//! enterprise raises limits, the account itself lowers its own. Every principal but the provider is authorised by a message to
//! the enterprise's authorization before its command takes effect; charges pay nothing for any of this.
//!
//! Bills need no process of their own: each account knows the first cycle that is open, and issuing closes cycles one by one.
//! A charge of a closed cycle goes to the open one and keeps its own cycle beside it. Bills of all accounts are issued some
//! accounts at a time between steps of ingestion; issuing again goes on where it was interrupted. Whatever raises an asset
//! is followed, in the same block, by the record of what it pays. A coupon deducts as the charge posts, and the charge's row
//! says so; an account without coupons pays one look at a flag for that.
//!
//! What people are told follows from an account's standing: whether its alert has fired, whether it is overdue, suspended. Every
//! step of an account compares its standing with its available credit; for the usual charge that is one compare with a
//! cached rank of the next threshold. A charge that changes the standing says so in its own row, anything else by a record in the
//! same block. Time is a step too: each shard keeps when which of its accounts has something due.
//!
//! The log is the outbox: a notification is told from a record, the same whenever it is read, so none is missing after a crash and
//! each has one id. Channels follow the log as any other reader of the change feed does, and record in it what they are
//! done with; who is slow reads later, from the disk.
//!
//! Lists need no other store: each shard keeps a bit an account for each fact that lists are filtered by, and looks at the
//! questions beside its inbox between parts of what it posts. A page waits for the disk, and not for the charges before it.
//!
//! # Code map
//!
//! | module | holds |
//! |---|---|
//! | [`limits`] | every bound, and how the bounds relate |
//! | [`clock`] | the only reader of time |
//! | [`domain`] | pure rules: money, ids, accounts, bills and what pays them, the directory, identities, refusals, invariants |
//! | [`wal`] | bytes: blocks, segments, the writer, recovery, and the seam to the disk with its simulated twin |
//! | [`journal`] | events to versioned bytes and back, snapshots, replay |
//! | [`actors`] | shards, resident accounts, the directory, credit control and authorization of enterprises; no rules |
//! | [`engine`] | the embedding API: open, post, command, ask, follow, verify, close; hides actix |
//! | [`ingest`] | charge formats as a stream |
//! | [`notify`] | the channels of the outbox: signed webhooks and e-mail, retries, dead letters |
//! | [`load`] | made-up charges, the plain loops that the engine is measured against, and the measuring |
//! | [`cli`] | the `exchequer` command, one file per command |
//!
//! `cli → {load, ingest, notify} → engine → actors → journal → {domain, wal}`, and nobody the other way round; everyone may use `limits`.
//! `tests/house.rs` reads the sources and enforces it.
//!
//! # What holds
//!
//! - Nothing is answered before the disk has it: no acceptance, no duplicate, no refusal that depends on what was recorded.
//! - Commands may be refused, events never: replay decides nothing and reads no clock.
//! - A charge's identity (cloud account, source, id) is posted once, also across crashes, snapshots and changes of payer.
//! - Money is an integer count of 10⁻¹⁸; every sum is checked.
//! - An account's balances are changed by its own actor alone.
//! - A cycle's bill is issued once and never changes but by being paid: gross less coupons and what rounding dropped is the
//!   total before tax, and what is outstanding is the total after tax less what has paid it.
//! - A message to another account leaves after its record is in the log's queue, arrives once, and is never refused; no account
//!   is closed, or leaves its enterprise, while something is on its way to or from it.
//! - The change feed shows every durable event once, in order, and nothing that a crash could unmake.
//! - A failed write or sync, or a panic in any actor, stops the whole engine; a restart recovers.
//! - Each state invariant has an id in [`domain::invariants`] and one check, which opening, tests and
//!   [`engine::verify`] use alike.
//!
//! # Absent
//!
//! Collecting from payment methods and a server are not built yet. On purpose there is no replication, no query
//! language, no history in memory (reports stream from the log), and no trimming of the log unless
//! [`Config::trim_log`](engine::Config::trim_log) asks for it.
//!
//! # Reading order
//!
//! [`domain::money`] and [`domain::charge`], then [`domain::account`]; [`journal::charges`] for what a posted charge looks
//! like on disk; [`wal`] for how it gets there; `actors::drain` for the hot path; [`engine::post`] for how a batch gets
//! in and its answer out. For bills: [`domain::billing`], `domain::account::issue` and `write_off`, and `actors::issue`. For what crosses accounts: [`domain::crossing`], [`domain::credit_control`], `actors::routes`, and
//! `engine::transfers`. For who follows along: [`wal::LogTail`] and [`engine::feed`].

pub mod actors;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod engine;
pub mod ingest;
pub mod journal;
pub mod limits;
pub mod load;
pub mod notify;
pub mod wal;
